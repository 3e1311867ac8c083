import type { Compared, Measured } from './measure.ts';

/** A figure with a greater ratio to its bound is marked. */
const FAR = { makespan: 1.01, mean: 1.1, t80: 1.15 };

/** What a ratio may exceed by rounding. */
const TOLERANCE = 1e-4;

/** The head of a table in Markdown. */
export function head(): string {
  return [
    '| scenario | n | makespan | / bound | mean release | / bound | 80 % released | / bound |',
    '| --- | --: | --: | --: | --: | --: | --: | --: |',
  ].join('\n');
}

/** A row of it: slots, and in bold the ratios that are far from 1. */
export function line({ name, nodes, makespan, mean, t80 }: Measured): string {
  const figures = [
    ...cells(makespan, FAR.makespan),
    ...cells(mean, FAR.mean),
    ...cells(t80, FAR.t80),
  ];
  return `| ${[name, nodes, ...figures].join(' | ')} |`;
}

function cells({ seconds, ratio }: Compared, far: number): string[] {
  const text = ratio.toFixed(3);
  return [seconds.toFixed(2), ratio > far + TOLERANCE ? `**${text}**` : text];
}
