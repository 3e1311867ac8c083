import { quantile } from '../quantile.ts';
import { AIMS, MEDIAN_MEAN_AIM, meets } from './aims.ts';
import type { Measured } from './measure.ts';

type Figure = keyof typeof AIMS;

const NAMES: Record<Figure, string> = {
  makespan: 'makespan',
  mean: 'mean release',
  t80: '80 % released',
};

/** A line on all rows, of one at least: ratios to the bounds, and how many are as they should be. */
export function summaryLine(rows: readonly Measured[]): string {
  const figures = (['makespan', 'mean', 't80'] as const).map((figure) => figurePart(rows, figure));
  const urgent = rows.flatMap((row) => row.urgent?.ratio ?? []);
  if (urgent.length > 0) figures.push(`with a deadline ${spread(urgent)}`);
  const good = rows.filter(isGood).length;
  return `${rows.length} rows: ${figures.join('; ')}; ${good} meet all aims; ${medianPart(rows)}.`;
}

function isGood(row: Measured): boolean {
  return (['makespan', 'mean', 't80'] as const).every((one) => meets(row[one].ratio, AIMS[one]));
}

function figurePart(rows: readonly Measured[], figure: Figure): string {
  const ratios = rows.map((row) => row[figure].ratio);
  const good = ratios.filter((ratio) => meets(ratio, AIMS[figure])).length;
  return `${NAMES[figure]} ${spread(ratios)}, ${good} up to ${AIMS[figure].toFixed(2)}`;
}

function spread(ratios: readonly number[]): string {
  return `median ${quantile(ratios, 0.5).toFixed(3)}, worst ${quantile(ratios, 1).toFixed(3)}`;
}

function medianPart(rows: readonly Measured[]): string {
  const median = quantile(
    rows.map((row) => row.mean.ratio),
    0.5,
  );
  const verdict = meets(median, MEDIAN_MEAN_AIM) ? 'is' : 'is not';
  return `the median mean release ${verdict} within ${MEDIAN_MEAN_AIM.toFixed(2)}`;
}
