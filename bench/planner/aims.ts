/** What a figure divided by its bound should not exceed, whatever the row. */
export const AIMS = { makespan: 1.01, mean: 1.1, t80: 1.15 } as const;

/** What the median of the mean releases should not exceed, each divided by its bound. */
export const MEDIAN_MEAN_AIM = 1.05;

/** What a ratio may exceed by rounding. */
const TOLERANCE = 1e-4;

/** Whether a ratio is as good as it should be. */
export function meets(ratio: number, aim: number): boolean {
  return ratio <= aim + TOLERANCE;
}
