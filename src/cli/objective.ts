import { KgetError } from '../base/error.ts';
import type { Objective } from '../planner/types.ts';

/** The value of `--objective`. @throws KgetError `usage` */
export function readObjective(text: string): Objective {
  if (text === 'mean') return { kind: 'mean' };
  const percent = Number(/^target:(\d+(?:\.\d+)?)%$/.exec(text)?.[1]);
  if (percent > 0 && percent <= 100) return { kind: 'target', fraction: percent / 100 };
  const wanted = 'mean, or target:N% with N above 0 and at most 100';
  throw new KgetError('usage', `Cannot read --objective "${text}": wanted ${wanted}`);
}

/** An objective as `--objective` takes it. */
export function objectiveWord(objective: Objective): string {
  if (objective.kind === 'mean') return 'mean';
  return `target:${Number((objective.fraction * 100).toPrecision(6))}%`;
}
