import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createFlowEngine, type FlowEngine } from '../../src/simulator/flow-engine.ts';
import { createResource, type Flow, type Resource } from '../../src/simulator/flow.ts';
import { shareFairly } from '../../src/simulator/share-fairly.ts';

/** Relative; sharing in another order rounds otherwise. */
const TOLERANCE = 1e-6;

/** One change, or some time; numbers pick among what there is. */
type Action =
  | { readonly kind: 'start'; readonly crossed: readonly number[]; readonly bytes: number }
  | { readonly kind: 'end'; readonly pick: number }
  | { readonly kind: 'complete' }
  | { readonly kind: 'wait'; readonly share: number };

for (const [what, rate] of [
  ['few', fc.constantFrom(1, 2, 3, 6, Infinity)],
  ['any', fc.double({ min: 1, max: 1000, noNaN: true })],
  ['far apart', fc.nat({ max: 5 }).map((power) => 10 ** power)],
] as const) {
  void test(`\`createFlowEngine\` shares as if anew when rates are ${what}`, () => {
    const batches = fc.array(fc.array(actions(), { minLength: 1, maxLength: 4 }), {
      maxLength: 40,
      size: 'max',
    });
    const rates = fc.array(rate, { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(rates, batches, (drawn, changes) => {
        const pair = createPair(drawn);
        for (const batch of changes) {
          for (const action of batch) pair.act(action);
          pair.compare();
        }
      }),
      { seed: 2009, numRuns: 1500 },
    );
  });
}

void test('`nextCompletion` names the flow that started first when some are complete at once', () => {
  const engine = createFlowEngine();
  const link = createResource(3);
  const [first, second] = [engine.start([link], 1), engine.start([link], 1)];
  const third = engine.start([link], 1);
  assert.deepEqual(finish(engine, 3), [
    [1, first],
    [1, second],
    [1, third],
  ]);
});

void test('`nextCompletion` is at once when a flow is empty or nothing limits it', () => {
  const engine = createFlowEngine();
  const empty = engine.start([createResource(1)], 0);
  const unlimited = engine.start([createResource(Infinity)], 1e12);
  assert.deepEqual(finish(engine, 2), [
    [0, empty],
    [0, unlimited],
  ]);
  assert.equal(engine.nextCompletion(), undefined);
});

void test('`nextCompletion` is later when another flow joins on the way', () => {
  const engine = createFlowEngine();
  const link = createResource(10);
  const flow = engine.start([link], 100);
  engine.advance(4);
  engine.start([link], 1000);
  assert.deepEqual(finish(engine, 1), [[16, flow]]);
});

void test('`start` changes no rate when the flows that it meets are held up elsewhere', () => {
  const engine = createFlowEngine();
  const [wide, narrow] = [createResource(10), createResource(1)];
  const held = engine.start([wide, narrow], 1);
  const free = engine.start([wide], 1);
  engine.nextCompletion();
  assert.deepEqual([held.bytesPerSecond, free.bytesPerSecond], [1, 9]);
  const late = engine.start([wide], 1);
  engine.nextCompletion();
  const rates = [held, free, late].map((flow) => flow.bytesPerSecond);
  assert.deepEqual(rates, [1, 4.5, 4.5]);
});

/** Ends the next `count` flows when they are complete. */
function finish(engine: FlowEngine, count: number): [seconds: number, flow: Flow][] {
  return Array.from({ length: count }, () => {
    const next = engine.nextCompletion();
    assert.ok(next !== undefined);
    engine.advance(next.seconds);
    engine.end(next.flow);
    return [next.seconds, next.flow];
  });
}

function actions(): fc.Arbitrary<Action> {
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('start' as const),
        crossed: fc.uniqueArray(fc.nat({ max: 7 }), { minLength: 1, maxLength: 4 }),
        bytes: fc.nat({ max: 1000 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), pick: fc.nat() }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'complete' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
  );
}

/** An engine, and beside it the plain way: all rates anew after each change, all bytes by hand. */
interface Pair {
  act(action: Action): void;
  compare(): void;
}

interface Plain {
  readonly flow: Flow;
  readonly links: readonly string[];
  remainingBytes: number;
  bytesPerSecond: number;
}

function createPair(rates: readonly number[]): Pair {
  const engine = createFlowEngine();
  const resources = rates.map((rate) => createResource(rate));
  const capacities = new Map(rates.map((rate, place) => [`${place}`, rate]));
  const plain: Plain[] = [];

  function share(): void {
    const limited = plain.filter((one) => one.links.length > 0);
    shareFairly(limited, capacities);
  }

  function start(crossed: readonly number[], bytes: number): void {
    const flow = engine.start(pick(resources, crossed), bytes);
    const links = crossed.filter((place) => rates[place] !== Infinity).map(String);
    const bytesPerSecond = links.length === 0 ? Infinity : 0;
    plain.push({ flow, links, remainingBytes: bytes, bytesPerSecond });
  }

  function end(flow: Flow): void {
    engine.end(flow);
    const place = plain.findIndex((one) => one.flow === flow);
    plain.splice(place, 1);
  }

  function advance(seconds: number): void {
    share();
    for (const one of plain) {
      const moved = seconds === 0 ? 0 : one.bytesPerSecond * seconds;
      one.remainingBytes = Math.max(0, one.remainingBytes - moved);
    }
    engine.advance(engine.nowSeconds + seconds);
  }

  return {
    act(action): void {
      if (action.kind === 'start') return start(action.crossed, action.bytes);
      if (action.kind === 'end') {
        const picked = plain[action.pick % plain.length];
        return picked === undefined ? undefined : end(picked.flow);
      }
      const next = engine.nextCompletion();
      if (next === undefined) return;
      const seconds = next.seconds - engine.nowSeconds;
      if (action.kind === 'wait') return advance(seconds * action.share);
      advance(seconds);
      end(next.flow);
    },
    compare(): void {
      share();
      const next = engine.nextCompletion();
      // Complete flows end before new rates are of use.
      if (next === undefined || next.seconds <= engine.nowSeconds + 1e-9) return;
      for (const one of plain) assertNear(one.flow.bytesPerSecond, one.bytesPerSecond);
      const least = Math.min(...plain.map((one) => one.remainingBytes / one.bytesPerSecond));
      assertNear(next.seconds, engine.nowSeconds + least);
    },
  };
}

function pick(resources: readonly Resource[], places: readonly number[]): Resource[] {
  return places.flatMap((place) => resources[place] ?? []);
}

function assertNear(actual: number, expected: number): void {
  if (actual === expected) return;
  assert.ok(Math.abs(actual - expected) <= TOLERANCE * expected, `${actual} is not ${expected}`);
}
