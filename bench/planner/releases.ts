import type { Outcome, SimulatedNode } from '../../src/simulator/scenario.ts';
import { sumOf, weightOf } from './fluid-rates.ts';

/** The mean release of these nodes in seconds, each counted by its weight; infinite if one is not. */
export function meanRelease(nodes: readonly SimulatedNode[], outcome: Outcome): number {
  const secondsOf = releaseSeconds(outcome);
  const weighted = nodes.map((node) => weightOf(node) * (secondsOf.get(node.id) ?? Infinity));
  return sumOf(weighted) / sumOf(nodes.map(weightOf));
}

/** When the last of these nodes was released, in seconds; infinite if one was not. */
export function lastRelease(nodes: readonly SimulatedNode[], outcome: Outcome): number {
  const secondsOf = releaseSeconds(outcome);
  return Math.max(...nodes.map(({ id }) => secondsOf.get(id) ?? Infinity));
}

function releaseSeconds({ released }: Outcome): Map<string, number> {
  return new Map(released.map(({ node, seconds }) => [node, seconds]));
}
