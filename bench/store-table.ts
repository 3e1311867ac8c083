import type { Row } from './store-rows.ts';

/** Rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  return [
    '| what | kgetplus | rival | its | ratio | aim | |',
    '| --- | ---: | --- | ---: | ---: | --- | --- |',
    ...rows.map(lineOf),
  ].join('\n');
}

function lineOf(row: Row): string {
  const aim = row.aim === undefined ? '' : `${row.aim.sense} ${row.aim.ratio}`;
  const verdict = row.verdict === 'no aim' ? '' : row.verdict;
  const ratio = row.ratio?.toFixed(3) ?? '–';
  const cells = [row.what, figureOf(row.ours, row), row.rival, figureOf(row.theirs, row)];
  return `| ${[...cells, ratio, aim, verdict].join(' | ')} |`;
}

function figureOf(value: number | undefined, { unit }: Row): string {
  return value === undefined ? '–' : `${value.toFixed(unit === 's' ? 2 : 1)} ${unit}`;
}
