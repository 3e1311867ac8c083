import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannerEvent, PlannerOptions } from '../../src/planner/types.ts';
import type { Rack, Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { serial } from '../../src/simulator/strategies/direct.ts';
import { equalCluster, SLOT_BYTES } from './clusters.ts';

// One image takes one second over one link of full rate.

void test('`simulate` tells how many nodes there are, and their racks, before any joins', () => {
  const near: Rack = { upBytesPerSecond: 1, downBytesPerSecond: 2 };
  const far: Rack = { upBytesPerSecond: 3, downBytesPerSecond: 4 };
  const places = [far, undefined, near, far];
  const events = eventsOf(
    withNodes(equalCluster(4), (place) => {
      const rack = places[place];
      return rack === undefined ? {} : { rack };
    }),
  );
  assert.deepEqual(events.slice(0, 3), [
    { type: 'expected', nodes: 4 },
    { type: 'rack', rack: 'rack1', ...far },
    { type: 'rack', rack: 'rack2', ...near },
  ]);
  assert.deepEqual(
    only(events, 'joined').map(({ rack }) => rack),
    ['rack1', undefined, 'rack2', 'rack1'],
  );
});

for (const [what, node, link] of [
  ['it is the narrowest', {}, [SLOT_BYTES, SLOT_BYTES]],
  ['a disk is slower', { diskReadBytesPerSecond: 5, diskWriteBytesPerSecond: 6 }, [5, 6]],
  ['one way is unlimited', { upBytesPerSecond: Infinity }, [Infinity, SLOT_BYTES]],
  ['another is promised', { promised: { upBytesPerSecond: 7, downBytesPerSecond: 8 } }, [7, 8]],
] as const) {
  void test(`\`simulate\` tells the link of a node when ${what}`, () => {
    const [joined] = only(eventsOf(withNodes(equalCluster(1), () => node)), 'joined');
    const [upBytesPerSecond, downBytesPerSecond] = link;
    assert.deepEqual(joined?.link, { upBytesPerSecond, downBytesPerSecond });
  });
}

void test('`simulate` tells no link when neither link nor disk limits a node', () => {
  const node = { upBytesPerSecond: Infinity, downBytesPerSecond: Infinity };
  const [joined] = only(eventsOf(withNodes(equalCluster(1), () => node)), 'joined');
  assert.deepEqual(joined, { type: 'joined', node: 'n1', roomBytes: Infinity });
});

void test('`simulate` tells weight and deadline of nodes that have them', () => {
  const events = eventsOf(
    withNodes(equalCluster(2), (place) => (place === 0 ? { weight: 3, deadline: 9 } : {})),
  );
  const [first, second] = only(events, 'joined');
  assert.equal(first?.weight, 3);
  assert.equal(first?.deadline, 9);
  assert.ok(second !== undefined && !('weight' in second) && !('deadline' in second));
});

void test('`simulate` tells that the cluster is assembled when the last node has listed', () => {
  const scenario = withNodes(equalCluster(3), (place) => ({ joinSeconds: 2 - place }));
  const types = eventsOf(scenario).map(({ type }) => type);
  const last = types.lastIndexOf('listed');
  assert.equal(types.indexOf('assembled'), last + 1);
  assert.equal(types.lastIndexOf('assembled'), last + 1);
});

void test('`simulate` tells that the cluster is assembled when its patience ends before', () => {
  const scenario = withNodes(equalCluster(3), (place) => ({ joinSeconds: 10 * place }));
  const types = eventsOf({ ...scenario, patienceSeconds: 15 }).map(({ type }) => type);
  const before = types.slice(0, types.indexOf('assembled'));
  assert.equal(before.filter((type) => type === 'joined').length, 2);
  assert.equal(types.filter((type) => type === 'assembled').length, 1);
});

void test('`simulate` tells that the cluster is assembled when there is no node', () => {
  assert.deepEqual(
    eventsOf(equalCluster(0)).map(({ type }) => type),
    ['expected', 'assembled'],
  );
});

void test('`simulate` tells the rate at which the bytes of a transfer came', () => {
  const slow = withNodes(equalCluster(1), () => ({ upBytesPerSecond: SLOT_BYTES / 4 }));
  const [arrived] = only(eventsOf({ ...slow, connectSeconds: 3 }), 'arrived');
  assert.equal(arrived?.bytesPerSecond, SLOT_BYTES / 4);
});

void test('`simulate` tells no rate of a transfer without bytes', () => {
  const empty = withNodes(equalCluster(1), () => ({ images: [{ id: 'empty', bytes: 0 }] }));
  const [arrived] = only(eventsOf(empty), 'arrived');
  assert.deepEqual(arrived, { type: 'arrived', transfer: 't1' });
});

void test('`simulate` tells the sketch of an image of a family, once it is held in full', () => {
  const family = { id: 'debian', sharedBytes: 3 * 131_072 };
  const images = [
    { id: 'kin', bytes: 5 * 131_072, family },
    { id: 'alone', bytes: 1 },
  ];
  const events = eventsOf(withNodes(equalCluster(1), () => ({ images })));
  const place = events.findIndex(({ type }) => type === 'sketched');
  assert.deepEqual(events[place - 1], {
    type: 'held',
    node: 'n1',
    image: 'kin',
    bytes: 5 * 131_072,
  });
  const sketches = only(events, 'sketched');
  assert.equal(sketches.length, 1);
  assert.equal(sketches[0]?.sketch.chunks, 5);
});

for (const [what, change, expected] of [
  ['its link is the slower one', {}, SLOT_BYTES],
  ['its disk is the slower one', { frontendDiskWriteBytesPerSecond: 5 }, 5],
  ['there are three', { frontends: 3 }, 3 * SLOT_BYTES],
  ['it is unlimited', { frontendBytesPerSecond: Infinity }, undefined],
] as const) {
  void test(`\`simulate\` tells the rate of the frontend when ${what}`, () => {
    assert.equal(optionsOf({ ...equalCluster(1), ...change }).frontendBytesPerSecond, expected);
  });
}

void test('`simulate` tells another rate of the frontend when that is promised', () => {
  const options = optionsOf(equalCluster(1, { frontendBytesPerSecond: 42 }));
  assert.equal(options.frontendBytesPerSecond, 42);
});

function withNodes(
  scenario: Scenario,
  change: (place: number) => Partial<SimulatedNode>,
): Scenario {
  const nodes = scenario.nodes.map((node, place) => Object.assign(node, change(place)));
  return { ...scenario, nodes };
}

function eventsOf(scenario: Scenario): PlannerEvent[] {
  const events: PlannerEvent[] = [];
  simulate(scenario, (options) => {
    const planner = serial.plannerFor(options);
    return {
      handle(event) {
        events.push(event);
        return planner.handle(event);
      },
      idle: () => planner.idle(),
    };
  });
  return events;
}

function optionsOf(scenario: Scenario): PlannerOptions {
  let told = scenario.planner;
  simulate(scenario, (options) => {
    told = options;
    return serial.plannerFor(options);
  });
  return told;
}

function only<Type extends PlannerEvent['type']>(
  events: readonly PlannerEvent[],
  type: Type,
): Extract<PlannerEvent, { type: Type }>[] {
  return events.filter(
    (event): event is Extract<PlannerEvent, { type: Type }> => event.type === type,
  );
}
