import { createPlanner } from '../../planner/planner.ts';
import type { Objective } from '../../planner/types.ts';
import type { Strategy } from './strategy.ts';

/** The planner of production with this objective. */
export function kgetplus(name: string, objective: Objective): Strategy {
  const aim = objective.kind === 'mean' ? 'the least mean' : 'an early share of all nodes';
  return {
    name,
    about: `relays images to ever fewer nodes, for ${aim}`,
    counts: 'releases',
    maxNodes: Infinity,
    optionsFor: (given) => ({ ...given, objective }),
    plannerFor: createPlanner,
  };
}
