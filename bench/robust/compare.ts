import { assert } from '../../src/base/assert.ts';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { sumOf } from '../planner/fluid-rates.ts';
import { meanRelease } from '../planner/releases.ts';
import type { Attempt, Surprise } from './surprises.ts';

/** A surprised planner's figures divided by those of one that is not. */
export interface Ratios {
  readonly seed: number;
  /** Of the mean release, each counted from the joining of its node. */
  readonly mean: number;
  readonly makespan: number;
}

/** Runs a cluster with and without a surprise, for seeds from 1 on. */
export function compare(surprise: Surprise, calm: Scenario, seeds: number): Ratios[] {
  return Array.from({ length: seeds }, (_, place): Ratios => {
    const seed = place + 1;
    const { surprised, informed } = surprise.pairOf(calm, seed);
    const [left, right] = [figuresOf(surprised, seed), figuresOf(informed, seed)];
    return { seed, mean: left.mean / right.mean, makespan: left.makespan / right.makespan };
  });
}

function figuresOf({ scenario, plannerFor }: Attempt, seed: number): Omit<Ratios, 'seed'> {
  const { nodes } = scenario;
  const outcome = simulate(scenario, plannerFor);
  const [broken] = outcome.violations;
  assert(broken === undefined, `no rule is broken with seed ${seed}: ${broken}`);
  assert(outcome.released.length === nodes.length, `all nodes are released with seed ${seed}`);
  const joined = sumOf(nodes.map(({ joinSeconds }) => joinSeconds)) / nodes.length;
  return { mean: meanRelease(nodes, outcome) - joined, makespan: outcome.makespanSeconds };
}
