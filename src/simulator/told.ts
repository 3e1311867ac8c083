import type { LinkRates, PlannerOptions } from '../planner/types.ts';
import type { Scenario, SimulatedNode } from './scenario.ts';

/** The scenario's options for the planner, with the frontends' rate unless they promise another. */
export function toldOptions(scenario: Scenario): PlannerOptions {
  const { planner, frontends = 1, frontendBytesPerSecond } = scenario;
  const { frontendDiskWriteBytesPerSecond = Infinity } = scenario;
  const eachBytesPerSecond = Math.min(frontendBytesPerSecond, frontendDiskWriteBytesPerSecond);
  if (planner.frontendBytesPerSecond !== undefined || eachBytesPerSecond === Infinity) {
    return planner;
  }
  return { ...planner, frontendBytesPerSecond: eachBytesPerSecond * frontends };
}

/** What the planner is told of a node's link and disk; undefined if neither limits it. */
export function toldLink(node: SimulatedNode): LinkRates | undefined {
  if (node.promised !== undefined) return node.promised;
  const { diskReadBytesPerSecond = Infinity, diskWriteBytesPerSecond = Infinity } = node;
  const upBytesPerSecond = Math.min(node.upBytesPerSecond, diskReadBytesPerSecond);
  const downBytesPerSecond = Math.min(node.downBytesPerSecond, diskWriteBytesPerSecond);
  if (upBytesPerSecond === Infinity && downBytesPerSecond === Infinity) return undefined;
  return { upBytesPerSecond, downBytesPerSecond };
}
