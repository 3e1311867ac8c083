import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AgentMessage, CoordinatorMessage } from '../../src/control/messages.ts';
import { FRONTEND } from '../../src/planner/types.ts';
import {
  arrived,
  DIGEST,
  durable,
  equalNodes,
  IMAGE_BYTES,
  runCluster,
  type Voice,
} from './cluster.ts';

const disk = (node: string): string => `${node}:/vm/disk`;
const FOUND: AgentMessage = {
  type: 'found',
  images: [{ path: '/vm/disk', sizeBytes: IMAGE_BYTES, allocatedBytes: IMAGE_BYTES }],
  problems: [],
};
const SCANNED: AgentMessage = {
  type: 'scanned',
  path: '/vm/disk',
  dataBytes: IMAGE_BYTES,
  imageDigest: DIGEST,
  sketch: { chunks: 0, hashes: [] },
};

/** Says the same counters every second, as long as somebody listens. */
async function tellNothingNew(transfer: string, { say, clock }: Voice): Promise<void> {
  for (let second = 0; second < 2000; second += 1) {
    say({ type: 'receiving', transfer, wireBytes: 16 * second, doneBytes: 0 });
    await clock.sleep(1000);
  }
}

/** A scan that takes far longer than any limit. */
async function scanSlowly({ say, clock }: Voice): Promise<void> {
  for (let scannedBytes = 100; scannedBytes < IMAGE_BYTES; scannedBytes += 100) {
    await clock.sleep(300_000);
    say({ type: 'scanning', path: '/vm/disk', scannedBytes });
  }
  say(SCANNED);
}

void suite('gather, of agents that fall silent', () => {
  for (const stallMs of [1000, 15_000, 90_000]) {
    void test(`\`gather\` gives a transfer up within ${stallMs} ms when its receiver says nothing`, async () => {
      let isFirst = true;
      const { facts, world } = await runCluster({
        nodes: equalNodes(1),
        plan: { limits: { stallMs } },
        onReceive() {
          if (!isFirst) return 'normal';
          isFirst = false;
          return 'silence';
        },
      });
      const [first] = facts.transfers.values();
      const tookMs = 1000 * ((first?.endSeconds ?? 0) - (first?.startSeconds ?? 0));
      assert.ok(tookMs <= stallMs + 1e-6 && tookMs > 0.9 * stallMs, `${tookMs} ms`);
      assert.equal(world.failures[0]?.code, 'timeout');
      assert.deepEqual(world.safe, [disk('node1')]);
    });
  }

  void test('`gather` gives nothing up when the coordinator itself was held up', async () => {
    const { world } = await runCluster({
      nodes: equalNodes(2),
      answer(_, message, { say, pass }) {
        if (message.type !== 'receive') return undefined;
        // What an agent said meanwhile is read after the timers have had their turn.
        setImmediate(() => {
          pass(500_000);
          setImmediate(() =>
            setImmediate(() => {
              for (const late of [arrived(message), durable(message)]) say(late);
            }),
          );
        });
        return [];
      },
    });
    assert.deepEqual(world.failures, []);
    assert.equal(world.safe.length, 2);
  });

  void test('`gather` loses a node within the limit when its agent says nothing', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(3),
      plan: { limits: { agentMs: 20_000 } },
      answer: (node) => (node === 'node2' ? [] : undefined),
    });
    assert.equal(facts.nodes.get('node2')?.state, 'failed');
    assert.deepEqual(
      world.failures.map(({ code, message }) => [code, message]),
      [['timeout', 'The agent on node2 is lost: it has said nothing for 20 s']],
    );
    assert.equal(world.safe.length, 2);
    assert.ok(world.nowMs() <= 20_000 && world.nowMs() >= 15_000, `${world.nowMs()} ms`);
  });

  void test('`gather` has more patience with the agent of the frontend', async () => {
    const { world } = await runCluster({
      nodes: equalNodes(1),
      plan: { limits: { agentMs: 20_000 } },
      answer: (node) => (node === FRONTEND ? [] : undefined),
    });
    assert.match(world.failures[0]?.message ?? '', /it has said nothing for 40 s/);
    assert.ok(world.nowMs() <= 40_000 && world.nowMs() >= 30_000, `${world.nowMs()} ms`);
  });

  void test('`gather` tells agents its limits', async () => {
    let configured: CoordinatorMessage | undefined;
    await runCluster({
      nodes: equalNodes(1),
      plan: { limits: { stallMs: 7000, agentMs: 100_000 } },
      answer(_, message) {
        if (message.type === 'configure') configured = message;
        return undefined;
      },
    });
    assert.ok(configured?.type === 'configure');
    assert.deepEqual([configured.stallMs, configured.silenceMs], [7000, 200_000]);
  });
});

void suite('gather, of what does not come forward', () => {
  const GIVE_UP = { giveUpMs: 400_000 };

  void test('`gather` gives a transfer up that its receiver does not bring forward', async () => {
    let isFirst = true;
    const { facts, world } = await runCluster({
      nodes: equalNodes(1),
      plan: { limits: GIVE_UP },
      answer(_, message, voice) {
        if (message.type !== 'receive' || !isFirst) return undefined;
        isFirst = false;
        void tellNothingNew(message.transfer, voice);
        return [];
      },
    });
    assert.match(world.failures[0]?.message ?? '', /has not brought it forward for 200 s/);
    const [first] = facts.transfers.values();
    assert.ok((first?.endSeconds ?? Infinity) <= 200, `${first?.endSeconds} s`);
    assert.deepEqual(world.safe, [disk('node1')]);
  });

  void test('`gather` gives a transfer up whose image does not become durable', async () => {
    let isFirst = true;
    const { world } = await runCluster({
      nodes: equalNodes(1),
      plan: { limits: GIVE_UP },
      onReceive(order) {
        if (!isFirst) return 'normal';
        isFirst = false;
        return { answer: [arrived(order)] };
      },
    });
    assert.match(world.failures[0]?.message ?? '', /has not brought it forward for 200 s/);
    assert.deepEqual(world.safe, [disk('node1')]);
  });

  for (const [what, silentOn] of [
    ['become ready', 'configure'],
    ['named its images', 'find'],
  ] as const) {
    void test(`\`gather\` ends without a node that answers pings but has never ${what}`, async () => {
      const { facts, world } = await runCluster({
        nodes: equalNodes(3),
        plan: { limits: GIVE_UP },
        answer: (node, { type }) => (node === 'node2' && type === silentOn ? [] : undefined),
      });
      assert.equal(facts.nodes.get('node2')?.state, 'failed');
      assert.match(world.failures[0]?.message ?? '', new RegExp(`node2 has not ${what}`));
      assert.equal(world.safe.length, 2);
      assert.ok(world.nowMs() <= 2 * 400_000, `${world.nowMs()} ms`);
    });
  }

  void test('`gather` ends when the agent of the frontend answers pings only', async () => {
    const { world } = await runCluster({
      nodes: equalNodes(1),
      answer: (node, { type }) => (node === FRONTEND && type === 'configure' ? [] : undefined),
    });
    assert.match(world.failures[0]?.message ?? '', /this host's agent has not become ready/);
    assert.deepEqual(world.launched, [FRONTEND]);
  });

  void test('`gather` gives an image up whose scan hangs, and goes on with the others', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(2),
      plan: { limits: GIVE_UP },
      answer(node, message, voice) {
        if (node === 'node1' && message.type === 'find') return [FOUND];
        if (message.type !== 'receive' || message.image.node !== 'node1') return undefined;
        void tellNothingNew(message.transfer, voice);
        return [];
      },
    });
    assert.deepEqual(world.safe, [disk('node2')]);
    assert.equal(facts.images.get(disk('node1'))?.state, 'missing');
    assert.equal(facts.nodes.get('node1')?.state, 'held');
    assert.match(
      world.failures[0]?.message ?? '',
      /on node1: its scan has not come forward for 200/,
    );
  });

  void test('`gather` waits for a scan that comes forward, however slowly', async () => {
    const { world } = await runCluster({
      nodes: equalNodes(1),
      plan: { limits: GIVE_UP, dryRun: 'scans' },
      answer(_, message, voice) {
        if (message.type !== 'find') return undefined;
        void scanSlowly(voice);
        return [FOUND];
      },
    });
    assert.deepEqual(world.failures, []);
    assert.ok(world.nowMs() > 5 * 400_000);
  });

  void test('`gather` ends a dry run whose scans hang', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(1),
      plan: { limits: GIVE_UP, dryRun: 'scans' },
      answer: (_, message) => (message.type === 'find' ? [FOUND] : undefined),
    });
    assert.match(
      world.failures[0]?.message ?? '',
      /it waits for its scan on node1: 0 B of 0.98 KiB/,
    );
    assert.match(
      world.failures[1]?.message ?? '',
      /^Nothing has come forward for 400 s, so the run/,
    );
    assert.equal(facts.images.get(disk('node1'))?.state, 'missing');
    assert.equal(facts.nodes.get('node1')?.state, 'held');
    assert.ok(world.nowMs() <= 400_000 + 1e-6 && world.nowMs() >= 370_000, `${world.nowMs()} ms`);
  });
});
