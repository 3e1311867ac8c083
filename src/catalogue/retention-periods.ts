/** The periods of the calendar that `--keep-hourly` and the like count; the shortest first. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

export type Period = (typeof PERIODS)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** 1 January 1970 was a Thursday: the third day, from 0, of a week that begins on Monday. */
const FIRST_WEEKDAY = 3;

/**
 * The number of the hour, day, week, month or year that a moment lies in; moments have equal numbers
 * exactly if they lie in the same one. All are those of UTC, so that none is longer or comes twice
 * when clocks change; weeks are those of ISO 8601, Monday to Sunday, also across the turn of a year.
 */
export function periodNumber(period: Period, timeMs: number): number {
  const date = new Date(timeMs);
  switch (period) {
    case 'hourly':
      return Math.floor(timeMs / HOUR_MS);
    case 'daily':
      return Math.floor(timeMs / DAY_MS);
    case 'weekly':
      return Math.floor((Math.floor(timeMs / DAY_MS) + FIRST_WEEKDAY) / 7);
    case 'monthly':
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    case 'yearly':
      return date.getUTCFullYear();
    default:
      return period satisfies never;
  }
}
