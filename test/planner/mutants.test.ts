import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  FRONTEND,
  type PlannerCommand,
  type PlannerEvent,
  type PlannerOptions,
} from '../../src/planner/types.ts';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { copyingClusters, equalCluster, troubledClusters } from '../simulator/clusters.ts';
import {
  askingTheReleased,
  deafTo,
  having,
  hearing,
  pullingTwice,
  saying,
  takingLinksForFree,
  type PlannerFor,
} from './wrong-planners.ts';

/** Planted bugs, and what the checker must say of each. */
const MUTANTS: readonly (readonly [name: string, plannerFor: PlannerFor, violation: RegExp])[] = [
  ['takes arrived copies for durable ones', hearing(arrivedAsDurable), /only copy|while it sends/],
  ['takes failed copies for durable ones', hearing(failedAsDurable), /no good copy|only copy/],
  ['lets one more node send to the frontend', having(oneMoreSender), /too many senders/],
  ['does not hear that fewer may send', deafTo('senders-allowed'), /too many senders/],
  ['makes a hop too many', having(oneMoreHop), /hop too many/],
  ['tries once too often', having(oneMoreTry), /is tried more than/],
  ['is content with a copy less', having(oneCopyLess), /with 1 other copies of .+, wanted 2/],
  ['believes in more room than there is', hearing(withMoreRoom), /no room/],
  ['does not hear that images have grown', deafTo('sized'), /no room/],
  ['lets a node send to two peers', takingLinksForFree, /sends to two peers/],
  ['lets the frontend pull twice', pullingTwice, /gets .+ twice/],
  ['asks nodes that are released', askingTheReleased, /pull from .+, which is gone/],
  ['does not hear that copies are spoiled', deafTo('spoiled'), /no good copy/],
  ['does not hear that nodes are lost', deafTo('lost'), /which is gone/],
  ['does not hear that nodes stay', deafTo('stays'), /release of .+, which stays/],
  ['does not hear that transfers failed', deafTo('failed'), /the run has stalled/],
  ['releases before all images are named', hearing(listedOnJoining), /not named all images/],
  ['forgets to release', saying(noReleases), /not released/],
  ['forgets to give up', saying(noGivingUp), /neither safe nor given up/],
  ['gives up for the wrong reason', saying(noCopyAsReason), /for a wrong reason/],
  ['lets the frontend idle', saying(noFrontendPulls), /frontend idles/],
];

for (const [name, plannerFor, violation] of MUTANTS) {
  void test(`\`simulate\` finds the planted bug when a planner ${name}`, () => {
    const isFound = scenarios().some((scenario) =>
      simulate(scenario, plannerFor).violations.some((one) => violation.test(one)),
    );
    assert.ok(isFound);
  });
}

function scenarios(): Scenario[] {
  const runs = { seed: 2009, numRuns: 500 };
  const overheads = { connectSeconds: 0.01, syncSeconds: 0.1 };
  return [
    { ...equalCluster(8), ...overheads },
    ...fc.sample(troubledClusters(copyingClusters()), runs),
  ];
}

function arrivedAsDurable(event: PlannerEvent): readonly PlannerEvent[] {
  if (event.type === 'arrived') return [{ type: 'durable', transfer: event.transfer }];
  return event.type === 'durable' ? [] : [event];
}

function failedAsDurable(event: PlannerEvent): readonly PlannerEvent[] {
  return [event.type === 'failed' ? { type: 'durable', transfer: event.transfer } : event];
}

function withMoreRoom(event: PlannerEvent): readonly PlannerEvent[] {
  return [event.type === 'joined' ? { ...event, roomBytes: event.roomBytes * 2 + 1e6 } : event];
}

function listedOnJoining(event: PlannerEvent): readonly PlannerEvent[] {
  return event.type === 'joined' ? [event, { type: 'listed', node: event.node }] : [event];
}

function oneMoreSender({ senders }: PlannerOptions): Partial<PlannerOptions> {
  return { senders: senders + 1 };
}

function oneMoreHop({ maxHops }: PlannerOptions): Partial<PlannerOptions> {
  return { maxHops: maxHops + 1 };
}

function oneMoreTry({ maxAttempts }: PlannerOptions): Partial<PlannerOptions> {
  return { maxAttempts: maxAttempts + 1 };
}

function oneCopyLess({ copies }: PlannerOptions): Partial<PlannerOptions> {
  return { copies: Math.max(1, copies - 1) };
}

function noReleases(command: PlannerCommand): readonly PlannerCommand[] {
  return command.type === 'release' ? [] : [command];
}

function noGivingUp(command: PlannerCommand): readonly PlannerCommand[] {
  return command.type === 'give-up' ? [] : [command];
}

function noCopyAsReason(command: PlannerCommand): readonly PlannerCommand[] {
  return [command.type === 'give-up' ? { ...command, reason: 'no-copy' } : command];
}

function noFrontendPulls(command: PlannerCommand): readonly PlannerCommand[] {
  return command.type === 'pull' && command.to === FRONTEND ? [] : [command];
}
