import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forecast } from '../../src/cli/plan-forecast.ts';
import type { PlannerOptions } from '../../src/planner/types.ts';
import type { KnownCluster, KnownNode } from '../../src/simulator/forecast.ts';

const PLANNER: PlannerOptions = {
  objective: { kind: 'mean' },
  senders: 1,
  maxHops: 64,
  maxAttempts: 5,
  copies: 1,
};

/** So many nodes with an image of 1000 bytes each, of which half is zero. */
function cluster(count: number): KnownCluster {
  const nodes = Array.from({ length: count }, (_, place): KnownNode => {
    const sketch = { chunks: 1, hashes: [1 + place] };
    return {
      id: `n${place}`,
      readySeconds: 2,
      linkBytesPerSecond: 50,
      roomBytes: 1e6,
      stays: false,
      images: [{ id: `i${place}`, sizeBytes: 1000, dataBytes: 500, sketch }],
    };
  });
  return { nodes, frontendBytesPerSecond: 50, patienceSeconds: 7 };
}

void suite('forecast', () => {
  void test('`forecast` has Kget+ without zeros, and others with whole images', async () => {
    const { bound, strategies, outcome } = await forecast(cluster(4), {
      planner: PLANNER,
      turn: () => Promise.resolve(),
    });
    const found = strategies.map(({ name, moved, frontendBytes, times }) => {
      const { meanReleaseSeconds, makespanSeconds } = times;
      return { name, moved, frontendBytes, meanReleaseSeconds, makespanSeconds };
    });
    const whole = { moved: 'whole', frontendBytes: 4000, makespanSeconds: 82 };
    assert.deepEqual(found, [
      {
        name: 'kgetplus',
        moved: 'needed',
        frontendBytes: 2000,
        meanReleaseSeconds: 2 + 10 * 2,
        makespanSeconds: 42,
      },
      { name: 'serial', ...whole, meanReleaseSeconds: 52 },
      { name: 'all-at-once', ...whole, meanReleaseSeconds: 82 },
    ]);
    assert.equal(bound.times.makespanSeconds, 42);
    assert.equal(strategies[0]?.timesBound.makespan, 1);
    assert.deepEqual(outcome.violations, []);
  });

  void test('`forecast` leaves out the others when there are very many nodes', async () => {
    const { strategies } = await forecast(cluster(1025), {
      planner: PLANNER,
      turn: () => Promise.resolve(),
    });
    assert.deepEqual(
      strategies.map(({ name }) => name),
      ['kgetplus'],
    );
  });

  void test('`forecast` ends when a turn does', async () => {
    const stopped = forecast(cluster(2), {
      planner: PLANNER,
      turn: () => Promise.reject(new Error('stopped')),
    });
    await assert.rejects(stopped, /stopped/);
  });
});
