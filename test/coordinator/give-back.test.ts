import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { suite, test } from 'node:test';
import type { JournalRecord } from '../../src/coordinator/journal.ts';
import { giveBackOwed } from '../../src/coordinator/give-back.ts';
import {
  equalNodes,
  IMAGE_BYTES,
  releasedBefore,
  RESUMPTION,
  runCluster,
  type World,
} from './cluster.ts';
import { stubRun } from './stub-run.ts';

const disk = (node: string) => ({
  id: `${node}:/vm/disk`,
  node,
  path: '/vm/disk',
  sizeBytes: IMAGE_BYTES,
});
const owed = { releasedSeconds: 3, readySeconds: 1, givenBack: false };

void suite('giving nodes back', () => {
  void test('`gather` notes that a node was given back, after its release', async () => {
    const { world } = await runCluster({ nodes: equalNodes(5) });
    for (const node of Object.keys(equalNodes(5))) {
      const released = placeOf(world, 'released', node);
      assert.ok(released >= 0 && placeOf(world, 'given-back', node) > released);
    }
  });

  void test('`gather` gives back what an earlier part released, and only what it may not have', async () => {
    const released = releasedBefore('node1').set('node2', owed);
    const images = new Map(
      ['node1', 'node2'].map((node) => [disk(node).id, { ...disk(node), safe: true, copies: [] }]),
    );
    const resumption = { ...RESUMPTION, released, images };
    const { facts, world } = await runCluster({ nodes: equalNodes(3), plan: { resumption } });
    assert.deepEqual(world.releaseCommands.toSorted(), ['node2', 'node3']);
    assert.ok(placeOf(world, 'given-back', 'node2') >= 0);
    assert.equal(facts.nodes.get('node2')?.releasedSeconds, 3);
    assert.equal(facts.nodes.get('node2')?.readySeconds, 1);
  });

  void test('`gather` gives a node that it asks back only when it is released again', async () => {
    const images = new Map([[disk('node1').id, { ...disk('node1'), safe: false, copies: [] }]]);
    const resumption = { ...RESUMPTION, released: new Map([['node1', owed]]), images };
    const { world } = await runCluster({ nodes: equalNodes(2), plan: { resumption } });
    assert.deepEqual(world.releaseCommands.toSorted(), ['node1', 'node2']);
    assert.ok(placeOf(world, 'given-back', 'node1') > placeOf(world, 'released', 'node1'));
    assert.ok(placeOf(world, 'released', 'node1') > 0, 'its earlier release is in another part');
  });

  void test('`gather` gives nothing back in a dry run', async () => {
    const resumption = { ...RESUMPTION, released: new Map([['node1', owed]]) };
    const plan = { resumption, dryRun: 'names' as const };
    const { world } = await runCluster({ nodes: equalNodes(2), plan });
    assert.deepEqual(world.releaseCommands, []);
  });

  void test('`giveBackOwed` runs a few commands at once, and none for a node that was asked back', async () => {
    const nodes = Array.from({ length: 20 }, (_, index) => `n${index}`);
    const stub = stubRun({ nodes });
    const waiting: (() => void)[] = [];
    const calls: string[] = [];
    const run = {
      ...stub.run,
      ports: {
        ...stub.run.ports,
        onRelease: (node: string) => {
          calls.push(node);
          const { promise, resolve } = Promise.withResolvers<undefined>();
          waiting.push(() => resolve(undefined));
          return promise;
        },
      },
    };
    for (const [node, facts] of run.facts.nodes) {
      facts.state = node === 'n4' ? 'starting' : 'released';
      run.owed.add(node);
    }
    giveBackOwed(run);
    for (let most = 0; calls.length < 19; most = calls.length) {
      await setImmediate();
      assert.ok(waiting.length > 0 && waiting.length <= 8 && calls.length > most);
      for (const end of waiting.splice(0)) end();
    }
    assert.deepEqual(calls, nodes.toSpliced(4, 1));
    assert.equal(run.owed.size, 0);
  });
});

void suite('a journal of a run that was aborted', () => {
  void test('`gather` leaves it open when the frontend has no room, so that it can go on', async () => {
    const { world } = await runCluster({
      nodes: equalNodes(4),
      onReceive: (order, { pulls }) =>
        pulls.length > 2 ? { answer: [noRoom(order.transfer)] } : 'normal',
    });
    assert.ok(world.failures.some(({ code }) => code === 'no-room'));
    assert.ok(!world.journal.some(({ type }) => type === 'end'));
    assert.ok(world.journal.some(({ type }) => type === 'failed'));
  });
});

function noRoom(transfer: string) {
  const failure = { code: 'no-room' as const, message: 'full' };
  return { type: 'receive-failed' as const, transfer, blame: 'target' as const, failure };
}

/** Where in the journal a record of a node is; -1 if there is none. */
function placeOf({ journal }: World, type: 'released' | 'given-back', node: string): number {
  return journal.findLastIndex(
    (record: JournalRecord) => record.type === type && record.node === node,
  );
}
