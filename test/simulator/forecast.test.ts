import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { FRONTEND, type PlannerOptions } from '../../src/planner/types.ts';
import {
  familiesOf,
  forecastBound,
  forecastScenario,
  type KnownCluster,
  type KnownImage,
  type KnownNode,
} from '../../src/simulator/forecast.ts';
import { simulate } from '../../src/simulator/simulate.ts';

const PLANNER: PlannerOptions = {
  objective: { kind: 'mean' },
  senders: 1,
  maxHops: 64,
  maxAttempts: 5,
  copies: 1,
};

/** An image with a chunk of 100 bytes for each of these hashes, and as many zeros besides. */
function image(id: string, hashes: readonly number[]): KnownImage {
  const dataBytes = hashes.length * 100;
  return { id, sizeBytes: 2 * dataBytes, dataBytes, sketch: { chunks: hashes.length, hashes } };
}

/** So many numbers from `first` on. */
function from(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function node(id: string, images: readonly KnownImage[], change: Partial<KnownNode> = {}) {
  return {
    id,
    readySeconds: 0,
    linkBytesPerSecond: 100,
    roomBytes: 1e9,
    stays: false,
    images,
    ...change,
  };
}

function cluster(nodes: readonly KnownNode[], change: Partial<KnownCluster> = {}): KnownCluster {
  return { nodes, frontendBytesPerSecond: 100, patienceSeconds: 5, ...change };
}

/** Nodes with images of ten chunks, none of which another has. */
function unlike(count: number): KnownNode[] {
  return from(0, count).map((place) =>
    node(`n${place}`, [image(`i${place}`, from(1 + 10 * place, 10))]),
  );
}

void suite('familiesOf', () => {
  void test('`familiesOf` leaves out images that are like no other, or have less than a quarter in common', () => {
    const images = [image('a', from(0, 20)), image('b', from(16, 20)), image('c', from(90, 20))];
    assert.deepEqual(familiesOf(images), new Map());
    assert.deepEqual(familiesOf([image('nothing', []), image('empty', [])]), new Map());
  });

  void test('`familiesOf` tells of each what the first one has of it, and of that one what the others have', () => {
    const images = [image('a', from(0, 20)), image('b', from(15, 10)), image('c', from(12, 16))];
    assert.deepEqual(
      familiesOf(images),
      new Map([
        ['b', { id: 'a', sharedBytes: 500 }],
        ['a', { id: 'a', sharedBytes: 800 }],
        ['c', { id: 'a', sharedBytes: 800 }],
      ]),
    );
  });

  void test('`familiesOf` puts an image to the one that has most of it', () => {
    const images = [
      image('a', from(0, 20)),
      image('b', from(100, 20)),
      image('c', [...from(0, 6), ...from(100, 14)]),
    ];
    assert.deepEqual([...familiesOf(images).keys()].toSorted(), ['b', 'c']);
  });

  void test('`familiesOf` never shares more of an image than it has', () => {
    const hashes = fc
      .uniqueArray(fc.nat(60), { maxLength: 40 })
      .map((list) => list.toSorted((left, right) => left - right));
    fc.assert(
      fc.property(fc.array(hashes, { maxLength: 8 }), (lists) => {
        const images = lists.map((list, index) => image(`i${index}`, list));
        for (const [id, { sharedBytes }] of familiesOf(images)) {
          const own = images.find((one) => one.id === id)?.dataBytes ?? 0;
          assert.ok(sharedBytes >= 0 && sharedBytes <= own, `${id} shares ${sharedBytes}`);
        }
      }),
    );
  });
});

void suite('forecastScenario', () => {
  void test('`forecastScenario` moves data alone, or whole images', () => {
    const known = cluster(unlike(1));
    for (const [moved, bytes] of [
      ['needed', 1000],
      ['whole', 2000],
    ] as const) {
      const { nodes } = forecastScenario(known, { planner: PLANNER, moved });
      assert.deepEqual(nodes[0]?.images, [{ id: 'i0', bytes }]);
    }
  });

  void test('`forecastScenario` foresees pairing: two equal nodes are released after one and two slots', () => {
    const outcome = simulate(
      forecastScenario(cluster(unlike(2)), { planner: PLANNER, moved: 'needed' }),
    );
    assert.deepEqual(outcome.violations, []);
    assert.deepEqual(
      outcome.released.map(({ seconds }) => seconds),
      [10, 20],
    );
  });

  void test('`forecastScenario` moves once what images have in common', () => {
    const nodes = ['a', 'b', 'c'].map((id, place) =>
      node(id, [image(`${id}:i`, [...from(0, 6), ...from(100 * (place + 1), 4)])]),
    );
    const { transfers, safeImages } = simulate(
      forecastScenario(cluster(nodes), { planner: PLANNER, moved: 'needed' }),
    );
    assert.equal(safeImages.size, 3);
    const crossing = transfers.filter(({ to }) => to === FRONTEND).map(({ bytes }) => bytes);
    assert.deepEqual(crossing, [1000, 400, 400]);
  });

  void test('`forecastScenario` keeps a node on which something cannot be gathered', () => {
    const [first, ...others] = unlike(3);
    assert.ok(first !== undefined);
    const nodes = [{ ...first, stays: true, readySeconds: 2 }, ...others];
    const { released, safeImages } = simulate(
      forecastScenario(cluster(nodes), { planner: PLANNER, moved: 'needed' }),
    );
    assert.equal(safeImages.size, 3);
    assert.deepEqual(released.map((release) => release.node).toSorted(), ['n1', 'n2']);
  });

  void test('`forecastScenario` begins with a node when it was ready', () => {
    const nodes = unlike(2).map(({ id, images }, place) =>
      node(id, images, { readySeconds: 3 * (place + 1) }),
    );
    const { transfers } = simulate(
      forecastScenario(cluster(nodes), { planner: PLANNER, moved: 'needed' }),
    );
    assert.ok(transfers.every(({ startSeconds }) => startSeconds >= 3));
  });
});

void suite('forecastBound', () => {
  void test('`forecastBound` is all over the frontend’s link for the last node', () => {
    const { curve, frontendBytes } = forecastBound(cluster(unlike(4)));
    assert.equal(frontendBytes, 4000);
    assert.deepEqual(curve.points.at(-1), { seconds: 40, share: 1 });
  });

  void test('`forecastBound` counts once what images have in common', () => {
    const nodes = ['a', 'b'].map((id, place) =>
      node(id, [image(`${id}:i`, [...from(0, 6), ...from(100 * (place + 1), 4)])]),
    );
    const { curve, frontendBytes } = forecastBound(cluster(nodes));
    assert.equal(frontendBytes, 1400);
    assert.deepEqual(curve.points.at(-1), { seconds: 14, share: 1 });
  });

  void test('`forecastBound` has no point when there is no node', () => {
    assert.deepEqual(forecastBound(cluster([])), {
      curve: { name: 'bound', points: [] },
      frontendBytes: 0,
    });
  });

  void test('`forecastBound` is never later than what the planner does', () => {
    const hashes = fc
      .uniqueArray(fc.nat(80), { minLength: 1, maxLength: 40 })
      .map((list) => list.toSorted((left, right) => left - right));
    const nodes = fc
      .array(
        fc.record({
          images: fc.array(hashes, { minLength: 1, maxLength: 3 }),
          linkBytesPerSecond: fc.constantFrom(50, 100, 400),
          roomBytes: fc.constantFrom(0, 3000, 1e9),
        }),
        { minLength: 1, maxLength: 7 },
      )
      .map((list) =>
        list.map(({ images, ...rest }, place) => {
          const id = `n${place}`;
          return node(
            id,
            images.map((one, index) => image(`${id}:${index}`, one)),
            rest,
          );
        }),
      );
    fc.assert(
      fc.property(nodes, fc.constantFrom(50, 100, 1000), (all, frontendBytesPerSecond) => {
        const known = cluster(all, { frontendBytesPerSecond });
        const outcome = simulate(forecastScenario(known, { planner: PLANNER, moved: 'needed' }));
        assert.equal(outcome.released.length, all.length);
        const bound = forecastBound(known).curve.points;
        for (const [place, { seconds }] of outcome.released.entries()) {
          const least = bound[place]?.seconds ?? 0;
          assert.ok(seconds >= least - 1e-6, `release ${place} at ${seconds}, bound ${least}`);
        }
      }),
    );
  });
});
