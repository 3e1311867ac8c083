import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { equalNodes, IMAGE_BYTES, runCluster } from './cluster.ts';

const SCANS = { dryRun: 'scans' } as const;

void suite('gather, in a dry run that scans', () => {
  void test('`gather` knows what is in every image, and moves nothing', async () => {
    const { facts, interrupted, world } = await runCluster({ nodes: equalNodes(3), plan: SCANS });
    assert.equal(interrupted, false);
    for (const { dataBytes, sketch } of facts.images.values()) {
      assert.equal(dataBytes, IMAGE_BYTES);
      assert.deepEqual(sketch, { chunks: 0, hashes: [] });
    }
    assert.equal(facts.images.size, 3);
    assert.deepEqual(world.pulls, []);
    assert.deepEqual(world.releaseCommands, []);
    assert.deepEqual(world.journal, []);
    assert.ok(world.left.every(({ emptySpool }) => !emptySpool));
  });

  void test('`gather` waits neither for an image that cannot be scanned nor for a node that is gone', async () => {
    const { facts, world } = await runCluster({
      nodes: {
        good: { images: ['/vm/disk'] },
        bad: { images: ['/vm/disk'], scans: 'fail' },
        gone: { images: ['/vm/disk'], scans: 'die' },
      },
      plan: SCANS,
    });
    const scanned = [...facts.images.values()].filter(({ sketch }) => sketch !== null);
    assert.deepEqual(
      scanned.map(({ node }) => node),
      ['good'],
    );
    assert.deepEqual(new Set(world.failures.map(({ node }) => node)), new Set(['bad', 'gone']));
    assert.equal(facts.nodes.get('gone')?.state, 'failed');
  });

  void test('`gather` ends when there is nothing to scan', async () => {
    const { facts } = await runCluster({ nodes: { empty: {} }, plan: SCANS });
    assert.equal(facts.images.size, 0);
  });
});
