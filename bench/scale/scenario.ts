import type { Scenario } from '../../src/simulator/scenario.ts';
import { scenarioOf } from '../planner/scenarios.ts';

/** Log-normal images, one on each node; as many senders as frontends, each with a node's link. */
export function scaleScenario(of: {
  readonly nodes: number;
  readonly frontends: number;
}): Scenario {
  const { nodes, frontends } = of;
  const scenario = scenarioOf({ nodes, sigma: 0.5 });
  return { ...scenario, frontends, planner: { ...scenario.planner, senders: frontends } };
}

/** 1,000, 2,000, 5,000, 10,000 and so on, up to `most`. */
export function nodeCounts(most: number): number[] {
  const counts: number[] = [];
  for (let power = 1000; power <= most; power *= 10) {
    counts.push(...[1, 2, 5].map((factor) => factor * power).filter((count) => count <= most));
  }
  return counts;
}
