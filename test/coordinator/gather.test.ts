import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { FRONTEND } from '../../src/planner/types.ts';
import {
  arrived,
  durable,
  equalNodes,
  IMAGE_BYTES,
  OTHER_DIGEST,
  releasedBefore,
  RESUMPTION,
  runCluster,
  type NodeScript,
} from './cluster.ts';

const disk = (node: string): string => `${node}:/vm/disk`;
const spooled = (node: string) => ({
  id: disk(node),
  node,
  path: '/vm/disk',
  sizeBytes: IMAGE_BYTES,
});

void suite('gather', () => {
  void test('`gather` brings every image to the frontend and releases every node once', async () => {
    const { facts, world } = await runCluster({ nodes: equalNodes(9) });
    const names = Object.keys(equalNodes(9));
    assert.deepEqual(new Set(world.safe), new Set(names.map(disk)));
    assert.deepEqual(world.releaseCommands.toSorted(), names.toSorted());
    assert.deepEqual(new Set([...facts.nodes.values()].map((n) => n.state)), new Set(['released']));
    assert.equal(world.journal.at(-1)?.type, 'end');
    assert.ok(world.pulls.length > 9, 'some images were relayed');
  });

  void test('`gather` journals a copy before it releases the node that it came from', async () => {
    const { world } = await runCluster({ nodes: equalNodes(8) });
    for (const [place, record] of world.journal.entries()) {
      if (record.type !== 'released') continue;
      const copies = world.journal.slice(0, place).filter((r) => r.type === 'copy');
      assert.ok(copies.some(({ image }) => image === disk(record.node)));
    }
  });

  void test('`gather` goes on without a node that cannot be reached', async () => {
    const launchFailure = new KgetError('unreachable', 'no route');
    const nodes = { ...equalNodes(3), node2: { launchFailure } };
    const { facts, world } = await runCluster({ nodes });
    assert.deepEqual(world.safe.toSorted(), [disk('node1'), disk('node3')]);
    assert.equal(facts.nodes.get('node2')?.state, 'failed');
    assert.deepEqual(world.failures, [
      { code: 'unreachable', message: 'no route', node: 'node2', path: null },
    ]);
    assert.ok(!world.releaseCommands.includes('node2'));
    assert.equal(world.journal.at(-1)?.type, 'end', 'nothing to go on with');
  });

  void test('`gather` tries a transfer again when its link fails', async () => {
    let failures = 0;
    const { world } = await runCluster({
      nodes: equalNodes(4),
      onReceive(order) {
        if (failures === 2 || order.image.node !== 'node1') return 'normal';
        failures += 1;
        return { answer: [failed(order.transfer, 'disconnected', 'link')] };
      },
    });
    assert.equal(world.safe.length, 4);
    assert.equal(world.failures.length, 2);
  });

  void test('`gather` brings every image where nodes cannot reach each other', async () => {
    const { world } = await runCluster({
      nodes: equalNodes(8),
      plan: { planner: { objective: { kind: 'mean' }, maxHops: 10, maxAttempts: 5, copies: 1 } },
      onReceive: (order, { toFrontend }) =>
        toFrontend(order) ? 'normal' : { answer: [failed(order.transfer, 'disconnected', 'link')] },
    });
    assert.equal(world.safe.length, 8);
    assert.equal(world.releaseCommands.length, 8);
  });

  void test('`gather` gives an image up after a bounded number of tries, and holds its node', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(3),
      onReceive: (order) =>
        order.image.node === 'node1'
          ? { answer: [failed(order.transfer, 'disconnected', 'link')] }
          : 'normal',
    });
    assert.deepEqual(world.safe.toSorted(), [disk('node2'), disk('node3')]);
    assert.equal(facts.images.get(disk('node1'))?.state, 'missing');
    assert.equal(facts.nodes.get('node1')?.state, 'held');
    assert.ok(!world.releaseCommands.includes('node1'));
  });

  void test('`gather` holds a node whose image changed while it was read', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(3),
      onReceive: (order) =>
        order.image.node === 'node3'
          ? { answer: [failed(order.transfer, 'source-changed', 'source')] }
          : 'normal',
    });
    assert.equal(facts.nodes.get('node3')?.state, 'held');
    assert.equal(world.failures[0]?.code, 'source-changed');
    assert.equal(world.safe.length, 2);
  });

  void test('`gather` ends when the frontend has no room, and empties no spool', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(4),
      onReceive: (order, { pulls }) =>
        pulls.length > 2 ? { answer: [failed(order.transfer, 'no-room', 'target')] } : 'normal',
    });
    assert.ok([...facts.images.values()].some((image) => image.state === 'missing'));
    assert.ok(world.failures.some(({ code }) => code === 'no-room'));
    assert.ok(world.left.every(({ node, emptySpool }) => !emptySpool || facts.nodes.has(node)));
  });

  void test('`gather` gives a transfer up when its receiver has gone silent', async () => {
    let silent: string | undefined;
    const { world } = await runCluster({
      nodes: equalNodes(3),
      onReceive(order, { pass, toFrontend }) {
        if (toFrontend(order) || silent !== undefined) return 'normal';
        silent = order.image.id;
        setImmediate(() => pass(16_000));
        return 'silence';
      },
    });
    assert.ok(silent !== undefined, 'a relay was tried');
    assert.equal(world.failures[0]?.code, 'timeout');
    assert.equal(world.safe.length, 3);
  });

  void test('`gather` loses nothing when a node dies whose images are elsewhere', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(2),
      onReceive(order, { kill }) {
        if (order.image.node === 'node2') return 'normal';
        queueMicrotask(() => kill('node1'));
        return { answer: [arrived(order), durable(order)] };
      },
    });
    assert.equal(world.safe.length, 2);
    assert.equal(facts.images.get(disk('node1'))?.state, 'safe');
  });

  void test('`gather` asks an origin back when the keeper of its image dies', async () => {
    let keeper: string | undefined;
    const { facts, world } = await runCluster({
      nodes: equalNodes(3),
      onReceive(order, { kill }) {
        const { from, image } = order;
        if (from.node === image.node || keeper !== undefined) return 'normal';
        keeper = from.node;
        kill(keeper);
        return 'silence';
      },
    });
    assert.ok(keeper !== undefined, 'a keeper died while its foreign image was pulled');
    const missing = [...facts.images.values()].filter((image) => image.state !== 'safe');
    assert.ok(
      missing.every((image) => image.node === keeper),
      'only what was nowhere else is lost',
    );
    assert.equal(world.launched.length, 5, 'the origin was started again');
  });

  void test('`gather` refuses a copy whose contents are not those of the origin', async () => {
    const { world } = await runCluster({
      nodes: equalNodes(3),
      onReceive(order) {
        const fromKeeper = order.from.node !== order.image.node;
        return fromKeeper ? { answer: [arrived(order), durable(order, OTHER_DIGEST)] } : 'normal';
      },
    });
    assert.ok(world.failures.some(({ code }) => code === 'corrupt'));
  });
});

void suite('gather of awkward nodes', () => {
  const noMatch = { code: 'no-match' as const, message: 'nothing matches /vm/*' };

  void test('`gather` reports a path that matches nothing, and does not release that node', async () => {
    const nodes: Record<string, NodeScript> = { ...equalNodes(2), node2: { problem: noMatch } };
    const { facts, world } = await runCluster({ nodes });
    assert.deepEqual(world.safe, [disk('node1')]);
    assert.deepEqual(world.releaseCommands, ['node1']);
    assert.equal(facts.nodes.get('node2')?.state, 'failed');
    assert.equal(world.failures[0]?.code, 'no-match');
  });

  void test('`gather` gathers neither of two images that would get one name', async () => {
    const nodes = { node1: { images: ['/a/disk', '/b/disk', '/a/other'] } };
    const { facts, world } = await runCluster({ nodes });
    assert.deepEqual(world.safe, ['node1:/a/other']);
    assert.deepEqual(
      world.failures.map(({ code }) => code),
      ['name-clash', 'name-clash'],
    );
    assert.notEqual(facts.nodes.get('node1')?.state, 'released');
  });

  void test('`gather` relays no image of which the frontend has an earlier version', async () => {
    const seeded = ['node1/disk', 'node2/disk', 'node3/disk', 'node4/disk'];
    const { world } = await runCluster({ nodes: equalNodes(4), seeded });
    assert.equal(world.safe.length, 4);
    assert.equal(world.pulls.length, 4);
  });

  void test('`gather` keeps its journal open while only it tells where an image is', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(3),
      plan: { planner: { objective: { kind: 'mean' }, maxHops: 10, maxAttempts: 2, copies: 1 } },
      onReceive: (order, { toFrontend }) =>
        toFrontend(order) && order.from.node !== order.image.node
          ? { answer: [failed(order.transfer, 'disconnected', 'link')] }
          : 'normal',
    });
    const missing = [...facts.images.values()].filter((image) => image.state === 'missing');
    assert.equal(missing.length, 1);
    assert.equal(facts.nodes.get(missing[0]?.node ?? '')?.state, 'released');
    assert.notEqual(world.journal.at(-1)?.type, 'end');
  });

  void test('`gather` moves nothing in a dry run', async () => {
    const { facts, world } = await runCluster({ nodes: equalNodes(3), plan: { dryRun: 'names' } });
    assert.equal(facts.images.size, 3);
    assert.deepEqual(world.pulls, []);
    assert.deepEqual(world.releaseCommands, []);
    assert.deepEqual(world.journal, []);
  });
});

void suite('gather, interrupted and continued', () => {
  void test('`gather` keeps every spool when it is interrupted', async () => {
    const { interrupted, world } = await runCluster({
      nodes: equalNodes(4),
      onReceive(order, { interrupt }) {
        interrupt();
        return 'silence';
      },
    });
    assert.equal(interrupted, true);
    assert.ok(world.left.length > 0);
    assert.ok(world.left.every(({ emptySpool }) => !emptySpool));
    assert.ok(!world.journal.some(({ type }) => type === 'end'));
  });

  const resumption = {
    ...RESUMPTION,
    released: releasedBefore('node1', 'node2'),
    images: new Map([
      [disk('node1'), { ...spooled('node1'), safe: true, copies: [] }],
      [disk('node2'), { ...spooled('node2'), safe: false, copies: ['node3'] }],
    ]),
  };

  void test('`gather` asks no released node again when its image is safe or in a spool', async () => {
    const nodes = {
      ...equalNodes(3),
      node3: { images: ['/vm/disk'], spooled: [spooled('node2')] },
    };
    const { facts, world } = await runCluster({ nodes, plan: { resumption } });
    assert.deepEqual(world.launched.toSorted(), [FRONTEND, 'node3']);
    assert.deepEqual(world.safe.toSorted(), [disk('node2'), disk('node3')]);
    assert.deepEqual(
      [...facts.images.values()].map(({ state }) => state),
      ['safe', 'safe', 'safe'],
    );
    assert.equal(world.journal.at(-1)?.type, 'end');
  });

  void test('`gather` asks a released node back when no spool has its image', async () => {
    const { world } = await runCluster({ nodes: equalNodes(3), plan: { resumption } });
    assert.deepEqual(world.launched.toSorted(), [FRONTEND, 'node2', 'node3']);
    assert.deepEqual(world.safe.toSorted(), [disk('node2'), disk('node3')]);
  });

  void test('`gather` asks a released node back when the copy of its image is rotten', async () => {
    const nodes = {
      ...equalNodes(3),
      node3: { images: ['/vm/disk'], spooled: [spooled('node2')] },
    };
    const { world, facts } = await runCluster({
      nodes,
      plan: { resumption },
      onReceive: ({ transfer, from, image }) =>
        from.node === 'node3' && image.node === 'node2'
          ? { answer: [failed(transfer, 'corrupt', 'source')] }
          : 'normal',
    });
    assert.deepEqual(world.launched.toSorted(), [FRONTEND, 'node2', 'node3']);
    assert.deepEqual(world.safe.toSorted(), [disk('node2'), disk('node3')]);
    // What is left of the copy stays where it is.
    assert.equal(facts.nodes.get('node3')?.state, 'held');
  });

  void test('`gather` takes the spooled copy of a node that cannot be reached', async () => {
    const nodes = {
      node1: { launchFailure: new KgetError('unreachable', 'gone') },
      node2: { images: ['/vm/disk'], spooled: [spooled('node1')] },
    };
    const { world } = await runCluster({ nodes });
    assert.deepEqual(world.safe.toSorted(), [disk('node1'), disk('node2')]);
  });
});

function failed(
  transfer: string,
  code: 'corrupt' | 'disconnected' | 'source-changed' | 'no-room',
  blame: 'link' | 'source' | 'target',
) {
  return { type: 'receive-failed' as const, transfer, blame, failure: { code, message: code } };
}
