import { AIMS, meets } from './aims.ts';
import type { Compared, Measured } from './measure.ts';

/** The head of a table in Markdown. */
export function head(): string {
  return [
    '| scenario | n | makespan | / bound | mean release | / bound | 80 % released | / bound ' +
      '| with a deadline | / bound |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |',
  ].join('\n');
}

/** A row of it: slots, and in bold the ratios that are far from 1. */
export function line({ name, nodes, makespan, mean, t80, urgent }: Measured): string {
  const figures = [
    ...cells(makespan, AIMS.makespan),
    ...cells(mean, AIMS.mean),
    ...cells(t80, AIMS.t80),
    ...(urgent === undefined ? ['', ''] : cells(urgent, AIMS.t80)),
  ];
  return `| ${[name, nodes, ...figures].join(' | ')} |`;
}

function cells({ seconds, ratio }: Compared, aim: number): string[] {
  const text = ratio.toFixed(3);
  return [seconds.toFixed(2), meets(ratio, aim) ? text : `**${text}**`];
}
