import type { Highs } from 'highs';
import { assert } from '../../src/base/assert.ts';
import { releaseTimes } from '../../src/planner/bound.ts';
import type { Objective } from '../../src/planner/types.ts';
import type { Outcome, Scenario } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { boundsOf } from './bounds.ts';
import { lastRelease, meanRelease } from './releases.ts';
import type { Row } from './rows.ts';

/** A figure of the planner, in seconds, and what no schedule can undercut. */
export interface Compared {
  readonly seconds: number;
  readonly boundSeconds: number;
  readonly ratio: number;
}

export interface Measured {
  readonly name: string;
  readonly nodes: number;
  readonly makespan: Compared;
  /** Each node counted by its weight. */
  readonly mean: Compared;
  /** With 80 % of the nodes as the objective. */
  readonly t80: Compared;
  /** Until all nodes that have a deadline are released; undefined if none has. */
  readonly urgent: Compared | undefined;
}

/** Runs the planner through a scenario with either objective, and compares. */
export function measure(highs: Highs, { name, nodes, scenario }: Row): Measured {
  const bounds = boundsOf(highs, scenario);
  const forMean = run(scenario, { kind: 'mean' });
  const forTarget = run(scenario, { kind: 'target', fraction: 0.8 });
  const { t80Seconds } = releaseTimes(forTarget.curve);
  const urgent = scenario.nodes.filter(({ deadline }) => deadline !== undefined);
  return {
    name,
    nodes,
    makespan: compare(forMean.makespanSeconds, bounds.makespanSeconds),
    mean: compare(meanRelease(scenario.nodes, forMean), bounds.meanReleaseSeconds),
    t80: compare(t80Seconds ?? Infinity, bounds.t80Seconds),
    urgent:
      bounds.urgentSeconds === undefined
        ? undefined
        : compare(lastRelease(urgent, forMean), bounds.urgentSeconds),
  };
}

function run(scenario: Scenario, objective: Objective): Outcome {
  const outcome = simulate({ ...scenario, planner: { ...scenario.planner, objective } });
  assert(outcome.violations.length === 0, `no rule is broken: ${outcome.violations[0]}`);
  assert(outcome.released.length === scenario.nodes.length, 'all nodes are released');
  return outcome;
}

function compare(seconds: number, boundSeconds: number): Compared {
  return { seconds, boundSeconds, ratio: seconds / boundSeconds };
}
