import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FRONTEND,
  type PlannerCommand,
  type PlannerEvent,
  type PlannerOptions,
} from '../../src/planner/types.ts';
import { createChecker } from '../../src/simulator/checker.ts';

type Entry = PlannerEvent | PlannerCommand;

const COMMANDS: ReadonlySet<string> = new Set(['pull', 'release', 'give-up']);

const OPTIONS: PlannerOptions = {
  objective: { kind: 'mean' },
  senders: 1,
  maxHops: 4,
  maxAttempts: 2,
  copies: 1,
};

/** Nodes a to e; a has the image x of 10 bytes and b the image y, and each has room for 15 bytes. */
const CLUSTER: readonly Entry[] = [
  ...['a', 'b', 'c', 'd', 'e'].map((node) => joined(node)),
  held('a', 'x'),
  held('b', 'y'),
  ...['a', 'b', 'c', 'd', 'e'].map((node) => listed(node)),
];

const PULL_Y = pull('y', 'b', FRONTEND);

void test('`createChecker` accepts a release when as many others as asked for have a copy', () => {
  const twice = [PULL_Y, ...moved('x', 'a', 'c'), ...moved('x', 'a', 'd'), release('a')];
  assert.deepEqual(violationsOf([...CLUSTER, ...twice], { copies: 2 }), []);
  const once = [PULL_Y, ...moved('x', 'a', 'c'), release('a')];
  assert.deepEqual(violationsOf([...CLUSTER, ...once]), []);
});

void test('`createChecker` notes a release when too few others have a copy', () => {
  const once = [PULL_Y, ...moved('x', 'a', 'c'), release('a')];
  assert.deepEqual(violationsOf([...CLUSTER, ...once], { copies: 2 }), [
    'release of a with 1 other copies of x, wanted 2',
  ]);
  assert.deepEqual(violationsOf([...CLUSTER, PULL_Y, release('a')]), [
    'release of a, which has the only copy of x',
  ]);
});

void test('`createChecker` does not count copies on nodes that have left', () => {
  const copied = [PULL_Y, ...moved('x', 'a', 'c'), ...moved('x', 'a', 'd')];
  const lost: Entry = { type: 'lost', node: 'd' };
  assert.deepEqual(violationsOf([...CLUSTER, ...copied, lost, release('a')], { copies: 2 }), [
    'release of a with 1 other copies of x, wanted 2',
  ]);
});

void test('`createChecker` accepts a release without copies when all is safe', () => {
  const done = [...moved('x', 'a', FRONTEND), PULL_Y, release('a')];
  assert.deepEqual(violationsOf([...CLUSTER, ...done], { copies: 3 }), []);
});

void test('`createChecker` lets an image go to as many receivers at once as copies are wanted', () => {
  const first = [PULL_Y, pull('x', 'a', 'c')];
  // It uses its link for one peer at a time.
  const second = [arrived('x', 'a', 'c'), pull('x', 'a', 'd')];
  assert.deepEqual(violationsOf([...CLUSTER, ...first, ...second], { copies: 2 }), []);
  assert.deepEqual(violationsOf([...CLUSTER, ...first, ...second]), ['x is under way 2 times']);
  const third = [arrived('x', 'a', 'd'), pull('x', 'a', 'e')];
  assert.deepEqual(violationsOf([...CLUSTER, ...first, ...second, ...third], { copies: 2 }), [
    'x is under way 3 times',
  ]);
});

void test('`createChecker` notes a receiver that gets an image twice', () => {
  const again = { ...pull('x', 'a', 'c'), transfer: 'again' };
  const first = [PULL_Y, pull('x', 'a', 'c'), arrived('x', 'a', 'c')];
  assert.deepEqual(violationsOf([...CLUSTER, ...first, again], { copies: 2 }), [
    'pull of x onto c, which has no room',
    'c gets x twice',
  ]);
  const late = [PULL_Y, ...moved('x', 'a', 'c'), again];
  assert.ok(violationsOf([...CLUSTER, ...late], { copies: 2 }).includes('c gets x twice'));
  const twice = { ...pull('x', 'a', FRONTEND), transfer: 'again' };
  const toFrontend = [pull('x', 'a', FRONTEND), arrived('x', 'a', FRONTEND), twice];
  assert.deepEqual(violationsOf([...CLUSTER, ...toFrontend], { copies: 2 }), [
    '(frontend) gets x twice',
  ]);
});

void test('`createChecker` lets a node receive from several peers and send to one', () => {
  const both = [pull('x', 'a', 'c'), held('d', 'z', 5), pull('z', 'd', 'c')];
  assert.deepEqual(violationsOf([...CLUSTER, PULL_Y, ...both]), []);
  const sends = [held('a', 'z', 5), pull('x', 'a', 'c'), pull('z', 'a', 'd')];
  assert.deepEqual(violationsOf([...CLUSTER, PULL_Y, ...sends]), ['a sends to two peers']);
});

void test('`createChecker` notes a node that sends to the frontend twice, or too many that do', () => {
  const more = [held('b', 'z', 5), pull('z', 'b', FRONTEND)];
  assert.deepEqual(violationsOf([...CLUSTER, PULL_Y, ...more], { senders: 2 }), [
    'b uses two slots',
  ]);
  assert.deepEqual(violationsOf([...CLUSTER, PULL_Y, pull('x', 'a', FRONTEND)]), [
    'too many senders to the frontend',
  ]);
});

void test('`createChecker` notes what is asked of a node that was released', () => {
  const gone = [PULL_Y, release('c'), pull('x', 'a', 'c'), release('c')];
  assert.deepEqual(violationsOf([...CLUSTER, ...gone]), [
    'pull onto c, which is gone',
    'release of c, which is gone',
  ]);
  const left = [...moved('x', 'a', 'c'), release('a'), pull('x', 'a', 'd')];
  assert.ok(violationsOf([...CLUSTER, PULL_Y, ...left]).includes('pull from a, which is gone'));
});

void test('`createChecker` takes the whole size of each relayed image as room', () => {
  const second = [held('d', 'z', 6), PULL_Y, ...moved('x', 'a', 'c'), pull('z', 'd', 'c')];
  const noted = ['pull of z onto c, which has no room'];
  assert.deepEqual(violationsOf([...CLUSTER, ...second]), noted);
  const smaller: Entry = { type: 'sized', image: 'x', bytes: 9 };
  assert.deepEqual(violationsOf([...CLUSTER, smaller, ...second]), []);
  const later = [...second.slice(0, -1), smaller, pull('z', 'd', 'c')];
  assert.deepEqual(violationsOf([...CLUSTER, ...later]), []);
});

void test('`createChecker` gives room back when a copy was sent on, and enough others have it', () => {
  const sentOn = [PULL_Y, ...moved('x', 'a', 'c'), ...moved('x', 'c', 'd')];
  const second = [held('e', 'z', 6), pull('z', 'e', 'c')];
  const noted = ['pull of z onto c, which has no room'];
  assert.deepEqual(violationsOf([...CLUSTER, ...sentOn, ...second]), []);
  assert.deepEqual(violationsOf([...CLUSTER, ...sentOn, ...second], { copies: 2 }), []);
  assert.deepEqual(violationsOf([...CLUSTER, ...sentOn, ...second], { copies: 3 }), noted);
  const lost: Entry = { type: 'lost', node: 'a' };
  const alone = [PULL_Y, ...moved('x', 'a', 'c'), lost, ...moved('x', 'c', 'd'), ...second];
  assert.deepEqual(violationsOf([...CLUSTER, ...alone], { copies: 2 }), noted);
});

void test('`createChecker` has no copy at a receiver when the image is safe before', () => {
  const relay = [PULL_Y, pull('x', 'a', 'c'), arrived('x', 'a', 'c')];
  const direct = [arrived('y', 'b', FRONTEND), ...moved('x', 'a', FRONTEND)];
  const late = [durable('x', 'a', 'c'), held('d', 'z', 15), pull('z', 'd', 'c')];
  assert.deepEqual(violationsOf([...CLUSTER, ...relay, ...direct, ...late], { copies: 2 }), []);
});

void test('`createChecker` lets the frontend wait until the cluster is assembled', () => {
  assert.deepEqual(violationsOf(CLUSTER, {}, 'settled'), []);
  const assembled: Entry = { type: 'assembled' };
  const idles = ['the frontend idles while a has x'];
  assert.deepEqual(violationsOf([...CLUSTER, assembled], {}, 'settled'), idles);
  assert.deepEqual(violationsOf([...CLUSTER, assembled, PULL_Y], {}, 'settled'), []);
  const two = { senders: 2 };
  assert.deepEqual(violationsOf([...CLUSTER, assembled, PULL_Y], two, 'settled'), idles);
  const relayed = [assembled, PULL_Y, pull('x', 'a', 'c')];
  assert.deepEqual(violationsOf([...CLUSTER, ...relayed], two, 'settled'), []);
});

void test('`createChecker` lets the frontend wait for what a sender to it has as well', () => {
  const both = [held('b', 'x'), { type: 'assembled' } as const, PULL_Y];
  assert.deepEqual(violationsOf([...CLUSTER, ...both], { senders: 2 }, 'settled'), []);
});

/** Without the times; with `settled`, at the end the frontend must not idle. */
function violationsOf(
  entries: readonly Entry[],
  options: Partial<PlannerOptions> = {},
  end?: 'settled',
): string[] {
  const checker = createChecker({ ...OPTIONS, ...options });
  for (const entry of entries) {
    if (isCommand(entry)) checker.command(entry, 0);
    else checker.event(entry, 0);
  }
  if (end === 'settled') checker.settled(0);
  return checker.violations.map((one) => one.replace(/^[\d.]+ s: /, ''));
}

function isCommand(entry: Entry): entry is PlannerCommand {
  return COMMANDS.has(entry.type);
}

function joined(node: string): PlannerEvent {
  return { type: 'joined', node, roomBytes: 15 };
}

function listed(node: string): PlannerEvent {
  return { type: 'listed', node };
}

function held(node: string, image: string, bytes = 10): PlannerEvent {
  return { type: 'held', node, image, bytes };
}

function pull(image: string, from: string, to: string): PlannerCommand {
  return { type: 'pull', transfer: nameOf(image, from, to), image, from, to };
}

function arrived(image: string, from: string, to: string): PlannerEvent {
  return { type: 'arrived', transfer: nameOf(image, from, to) };
}

function durable(image: string, from: string, to: string): PlannerEvent {
  return { type: 'durable', transfer: nameOf(image, from, to) };
}

/** From the command to the durable copy. */
function moved(image: string, from: string, to: string): Entry[] {
  return [pull(image, from, to), arrived(image, from, to), durable(image, from, to)];
}

function release(node: string): PlannerCommand {
  return { type: 'release', node };
}

function nameOf(image: string, from: string, to: string): string {
  return `${image} from ${from} to ${to}`;
}
