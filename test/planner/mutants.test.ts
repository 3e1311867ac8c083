import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createPlanner } from '../../src/planner/planner.ts';
import {
  FRONTEND,
  type Planner,
  type PlannerCommand,
  type PlannerEvent,
  type PlannerOptions,
} from '../../src/planner/types.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { clusters, equalCluster } from '../simulator/clusters.ts';

type PlannerFor = (options: PlannerOptions) => Planner;

/** Planted bugs, and what the checker must say of each. */
const MUTANTS: readonly { name: string; plannerFor: PlannerFor; violation: RegExp }[] = [
  {
    name: 'takes arrived copies for durable ones',
    plannerFor: (options) => hearing(createPlanner(options), arrivedAsDurable),
    violation: /no good copy|only copy|while it sends or receives/,
  },
  {
    name: 'lets one more node send to the frontend',
    plannerFor: (options) => createPlanner({ ...options, senders: options.senders + 1 }),
    violation: /too many senders/,
  },
  {
    name: 'makes a hop too many',
    plannerFor: (options) => createPlanner({ ...options, maxHops: options.maxHops + 1 }),
    violation: /hop too many/,
  },
  {
    name: 'believes in more room than there is',
    plannerFor: (options) => hearing(createPlanner(options), withMoreRoom),
    violation: /no room/,
  },
  {
    name: 'releases before all images are named',
    plannerFor: (options) => hearing(createPlanner(options), listedOnJoining),
    violation: /not named all images/,
  },
  {
    name: 'forgets to release',
    plannerFor: (options) => saying(createPlanner(options), ({ type }) => type !== 'release'),
    violation: /not released/,
  },
  {
    name: 'lets the frontend idle',
    plannerFor: (options) =>
      saying(createPlanner(options), (one) => one.type !== 'pull' || one.to !== FRONTEND),
    violation: /frontend idles/,
  },
];

for (const { name, plannerFor, violation } of MUTANTS) {
  void test(`\`simulate\` finds the planted bug when a planner ${name}`, () => {
    const scenarios = fc.sample(clusters(), { seed: 2009, numRuns: 200 });
    const overheads = { connectSeconds: 0.01, syncSeconds: 0.1 };
    scenarios.push({ ...equalCluster(8), ...overheads });
    const found = scenarios.flatMap((scenario) => simulate(scenario, plannerFor).violations);
    assert.ok(found.some((one) => violation.test(one)));
  });
}

/** A planner that is told other events than happened. */
function hearing(
  planner: Planner,
  mishear: (event: PlannerEvent) => readonly PlannerEvent[],
): Planner {
  return {
    handle: (event) => mishear(event).flatMap((heard) => planner.handle(heard)),
    idle: () => planner.idle(),
  };
}

/** A planner that swallows some of its commands. */
function saying(planner: Planner, isSaid: (command: PlannerCommand) => boolean): Planner {
  return {
    handle: (event) => planner.handle(event).filter(isSaid),
    idle: () => planner.idle(),
  };
}

function arrivedAsDurable(event: PlannerEvent): readonly PlannerEvent[] {
  if (event.type === 'arrived') return [{ type: 'durable', transfer: event.transfer }];
  return event.type === 'durable' ? [] : [event];
}

function withMoreRoom(event: PlannerEvent): readonly PlannerEvent[] {
  return [event.type === 'joined' ? { ...event, roomBytes: event.roomBytes * 2 + 1e6 } : event];
}

function listedOnJoining(event: PlannerEvent): readonly PlannerEvent[] {
  return event.type === 'joined' ? [event, { type: 'listed', node: event.node }] : [event];
}
