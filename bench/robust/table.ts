import { quantile } from '../quantile.ts';
import type { Ratios } from './compare.ts';

/** What the median of the mean releases should not exceed, divided by that of an informed planner. */
const AIM = 1.15;

export interface RobustRow {
  readonly name: string;
  readonly ratios: readonly Ratios[];
}

/** The head of a table in Markdown. */
export function head(): string {
  return [
    '| surprise | mean release: median | 90 % | worst | makespan: median | 90 % | worst |',
    '| --- | --: | --: | --: | --: | --: | --: |',
  ].join('\n');
}

/** A row of it, in bold the median of the mean releases if it is above what it should be. */
export function line({ name, ratios }: RobustRow): string {
  const [median = '', ...others] = spread(ratios.map(({ mean }) => mean));
  const makespan = spread(ratios.map((one) => one.makespan));
  const marked = Number(median) > AIM ? `**${median}**` : median;
  return `| ${[name, marked, ...others, ...makespan].join(' | ')} |`;
}

function spread(values: readonly number[]): string[] {
  return [0.5, 0.9, 1].map((share) => quantile(values, share).toFixed(3));
}
