import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loseNode } from '../../src/coordinator/loss.ts';
import { FRONTEND } from '../../src/planner/types.ts';
import {
  arrived,
  durable,
  equalNodes,
  IMAGE_BYTES,
  OTHER_DIGEST,
  RESUMPTION,
  runCluster,
} from './cluster.ts';
import { stubRun, type StubRun } from './stub-run.ts';

const DISK = 'n1:/vm/disk';
const GONE = { code: 'disconnected', message: 'gone' } as const;
const UNREADABLE = { code: 'source-unreadable', message: 'Cannot read /vm/disk' } as const;
const SPARE = { id: DISK, node: 'n1', path: '/vm/disk', sizeBytes: IMAGE_BYTES };

void suite('what the origin of an image vouches for', () => {
  for (const to of ['n2', FRONTEND]) {
    void test(`\`settle\` counts no copy on ${to} before the origin has scanned the image`, () => {
      const stub = listed();
      const transfer = stub.pull('n1', 'n1', to);
      stub.settle(to, transfer);
      stub.settle(to, transfer);
      assert.deepEqual(counted(stub), []);
      assert.deepEqual(stub.told('arrived'), [{ type: 'arrived', transfer }], 'the links are free');
      stub.scan('n1');
      assert.deepEqual(counted(stub), [transfer]);
      assert.equal(stub.journal.filter(({ type }) => type === 'copy').length, 1);
    });
  }

  void test('`settle` refuses a copy that came before the scan when the scan tells other contents', () => {
    const stub = listed();
    const transfer = stub.pull('n1', 'n1', 'n2');
    stub.settle('n2', transfer, OTHER_DIGEST);
    stub.scan('n1');
    assert.deepEqual(counted(stub), []);
    assert.deepEqual(stub.told('failed'), [{ type: 'failed', transfer, blame: 'target' }]);
    assert.deepEqual(stub.drops, [`n2 ${DISK}`]);
    assert.deepEqual(
      stub.failures.map(({ code }) => code),
      ['corrupt'],
    );
  });

  void test('`settle` blames the receiver for other contents than the origin has, which it served', () => {
    const stub = scanned();
    const transfer = stub.pull('n1', 'n1', 'n2');
    stub.settle('n2', transfer, OTHER_DIGEST);
    assert.deepEqual(stub.told('failed'), [{ type: 'failed', transfer, blame: 'target' }]);
    assert.match(stub.failures[0]?.message ?? '', /on n2: its contents are others/);
  });

  void test('`settle` blames a keeper that serves other contents than the origin has', () => {
    const stub = scanned();
    stub.settle('n2', stub.pull('n1', 'n1', 'n2'));
    const transfer = stub.pull('n1', 'n2', FRONTEND);
    stub.settle(FRONTEND, transfer, OTHER_DIGEST);
    assert.deepEqual(stub.told('failed'), [{ type: 'failed', transfer, blame: 'source' }]);
    assert.deepEqual(stub.drops, [`${FRONTEND} ${DISK}`]);
    assert.notEqual(stub.run.facts.images.get(DISK)?.state, 'safe');
    assert.match(stub.failures[0]?.message ?? '', /^n2 served other contents/);
  });

  void test('`settle` counts what came before the scan when its origin is lost', () => {
    const stub = listed();
    const transfer = stub.pull('n1', 'n1', 'n2');
    stub.settle('n2', transfer);
    loseNode(stub.run, 'n1', GONE);
    assert.deepEqual(counted(stub), [transfer]);
    const second = stub.pull('n1', 'n2', 'n3');
    stub.settle('n3', second, OTHER_DIGEST);
    assert.deepEqual(stub.told('failed'), [{ type: 'failed', transfer: second, blame: 'source' }]);
  });

  void test('`settle` refuses what came from an origin that cannot scan the image', () => {
    const stub = listed();
    const transfers = [stub.pull('n1', 'n1', 'n2'), stub.pull('n1', 'n1', 'n3')] as const;
    stub.settle('n2', transfers[0]);
    stub.says('n1', { type: 'scan-failed', path: '/vm/disk', failure: UNREADABLE });
    stub.settle('n3', transfers[1]);
    assert.deepEqual(counted(stub), []);
    assert.deepEqual(
      stub.told('failed').map(({ blame }) => blame),
      ['source', 'source'],
    );
    assert.deepEqual(stub.drops, [`n2 ${DISK}`, `n3 ${DISK}`]);
    assert.equal(stub.told('spoiled').length, 1);
  });

  void test('`settle` counts nothing of a receiver that was lost before the scan had ended', () => {
    const stub = listed();
    stub.settle('n2', stub.pull('n1', 'n1', 'n2'));
    loseNode(stub.run, 'n2', GONE);
    stub.scan('n1');
    assert.deepEqual(counted(stub), []);
  });

  void test('`settle` takes an earlier version only when that of the origin is gone with it', () => {
    for (const isRelayed of [false, true]) {
      const images = new Map([[DISK, { ...SPARE, safe: false, copies: ['n2'] }]]);
      const stub = stubRun({ nodes, resumption: { ...RESUMPTION, images } });
      stub.begin();
      for (const node of nodes) stub.join(node, { spooled: node === 'n2' ? [SPARE] : [] });
      for (const node of nodes) stub.list(node, ...(node === 'n1' ? ['/vm/disk'] : []));
      stub.scan('n1');
      if (isRelayed) stub.settle('n3', stub.pull('n1', 'n1', 'n3'));
      loseNode(stub.run, 'n1', GONE);
      stub.settle(FRONTEND, stub.pull('n1', 'n2', FRONTEND), OTHER_DIGEST);
      const { state } = stub.run.facts.images.get(DISK) ?? {};
      assert.equal(state, isRelayed ? 'moving' : 'safe');
      assert.equal(stub.notices.length, isRelayed ? 0 : 1);
    }
  });
});

void suite('gather, while scans run', () => {
  void test('`gather` releases no node before its images are scanned', async () => {
    let isScanned = false;
    const scannedAt: string[] = [];
    const { world } = await runCluster({
      nodes: equalNodes(3),
      answer(node, message, { say, clock }) {
        if (message.type === 'leave' && node === 'node1') scannedAt.push(String(isScanned));
        if (message.type !== 'find' || node !== 'node1') return undefined;
        void clock.sleep(30_000).then(() => {
          isScanned = true;
          const sketch = { chunks: 0, hashes: [] };
          const imageDigest = 'd'.repeat(64);
          const told = { path: '/vm/disk', dataBytes: IMAGE_BYTES, imageDigest, sketch };
          return say({ type: 'scanned', ...told });
        });
        const image = { path: '/vm/disk', sizeBytes: IMAGE_BYTES, allocatedBytes: IMAGE_BYTES };
        return [{ type: 'found', images: [image], problems: [] }];
      },
    });
    assert.deepEqual(scannedAt, ['true']);
    assert.equal(world.safe.length, 3);
    assert.deepEqual(world.failures, []);
    const copies = world.pulls.filter(({ image }) => image.node === 'node1');
    assert.ok(copies.length > 0, 'it was moved meanwhile');
  });

  void test('`gather` gives up what waits for a scan that does not end, and holds its node', async () => {
    const { facts, world } = await runCluster({
      nodes: equalNodes(2),
      plan: { limits: { giveUpMs: 400_000 } },
      answer(node, message) {
        if (message.type !== 'find' || node !== 'node1') return undefined;
        const image = { path: '/vm/disk', sizeBytes: IMAGE_BYTES, allocatedBytes: IMAGE_BYTES };
        return [{ type: 'found', images: [image], problems: [] }];
      },
    });
    assert.deepEqual(world.safe, ['node2:/vm/disk']);
    assert.equal(facts.nodes.get('node1')?.state, 'held');
    assert.match(world.failures[0]?.message ?? '', /its scan has not come forward for 200 s/);
    assert.ok(world.nowMs() < 400_000, `${world.nowMs()} ms`);
  });

  void test('`gather` brings an image although its first keeper lies about it', async () => {
    let liars = 0;
    const { world } = await runCluster({
      nodes: equalNodes(4),
      onReceive(order, { toFrontend }) {
        if (toFrontend(order) || liars > 0) return 'normal';
        liars += 1;
        return { answer: [arrived(order), durable(order, OTHER_DIGEST)] };
      },
    });
    assert.equal(liars, 1);
    assert.equal(world.safe.length, 4);
    assert.deepEqual(
      world.failures.map(({ code }) => code),
      ['corrupt'],
    );
  });
});

const nodes = ['n1', 'n2', 'n3'];

/** A run of three nodes of which the first has named an image. */
function listed(): StubRun {
  const stub = stubRun({ nodes });
  stub.begin();
  for (const node of nodes) {
    stub.join(node);
    stub.list(node, ...(node === 'n1' ? ['/vm/disk'] : []));
  }
  return stub;
}

function scanned(): StubRun {
  const stub = listed();
  stub.scan('n1');
  return stub;
}

/** The transfers whose copies count. */
function counted(stub: StubRun): string[] {
  return stub.told('durable').map(({ transfer }) => transfer);
}
