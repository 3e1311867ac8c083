import { toCurve, type ReleaseCurve } from '../../planner/bound.ts';
import { FRONTEND } from '../../planner/types.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { simulate } from '../simulate.ts';
import type { Strategy } from './strategy.ts';

/** What came of a strategy. */
export interface StrategyRun {
  readonly outcome: Outcome;
  /** Nodes released over time as the strategy counts them, with its name; compare these. */
  readonly curve: ReleaseCurve;
}

/** Runs a strategy through a scenario, with what it makes of the scenario's planner options. */
export function runStrategy(strategy: Strategy, scenario: Scenario): StrategyRun {
  const planner = strategy.optionsFor(scenario.planner, scenario.nodes.length);
  const outcome = simulate({ ...scenario, planner }, strategy.plannerFor);
  const releases = outcome.released.map(({ seconds }) => seconds);
  const seconds = strategy.counts === 'releases' ? releases : arrivals(scenario, outcome);
  return { outcome, curve: toCurve(strategy.name, seconds, scenario.nodes.length) };
}

/**
 * When the last image of each node had arrived at the frontend, ascending; a node without images
 * counts from its release on, one of which an image is missing does not.
 */
function arrivals(scenario: Scenario, { transfers, released }: Outcome): number[] {
  const arrivedSeconds = new Map<string, number>();
  for (const { image, to, state, endSeconds } of transfers) {
    if (to === FRONTEND && state === 'durable') arrivedSeconds.set(image, endSeconds);
  }
  const releasedSeconds = new Map(released.map(({ node, seconds }) => [node, seconds]));
  return scenario.nodes
    .map(({ id, images }) =>
      images.length === 0
        ? (releasedSeconds.get(id) ?? Infinity)
        : Math.max(...images.map((image) => arrivedSeconds.get(image.id) ?? Infinity)),
    )
    .filter(Number.isFinite)
    .sort((left, right) => left - right);
}
