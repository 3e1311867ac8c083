import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { suite, test } from 'node:test';
import { endFacts } from '../../src/coordinator/ending.ts';
import { loseNode } from '../../src/coordinator/loss.ts';
import { FRONTEND } from '../../src/planner/types.ts';
import { IMAGE_BYTES, releasedBefore, RESUMPTION } from './cluster.ts';
import { stubRun, type StubRun } from './stub-run.ts';

const nodes = ['n1', 'n2', 'n3'];
const DISK = 'n1:/vm/disk';
const FAILURE = { code: 'disconnected', message: 'gone' } as const;
const SKETCH = { chunks: 2, hashes: [1, 5] };

void suite('what the planner is told of nodes', () => {
  void test('`join` tells a link that is known or limited, the slower of both', () => {
    for (const [linkBytesPerSecond, nodeBytesPerSecond, rate] of [
      [8, null, 8],
      [8, 5, 5],
      [null, 5, 5],
    ] as const) {
      const stub = stubRun({ nodes, nodeBytesPerSecond });
      stub.begin();
      stub.join('n1', { linkBytesPerSecond, roomBytes: 7 });
      const link = { upBytesPerSecond: rate, downBytesPerSecond: rate };
      assert.deepEqual(stub.told('joined'), [{ type: 'joined', node: 'n1', roomBytes: 7, link }]);
      assert.equal(stub.run.facts.nodes.get('n1')?.linkBytesPerSecond, rate);
    }
  });

  void test('`join` tells no link that is not known', () => {
    const stub = stubRun({ nodes });
    stub.begin();
    stub.join('n1', { roomBytes: 7 });
    assert.deepEqual(stub.told('joined'), [{ type: 'joined', node: 'n1', roomBytes: 7 }]);
  });

  void test('`join` tells rack and deadline, and no room where none is to be kept', () => {
    const stub = stubRun({
      nodes,
      nodeTerms: new Map([['n1', { rack: 'r1', deadline: 0, keepsNone: true }]]),
      rackUplinks: new Map([['r1', 9]]),
    });
    stub.begin();
    stub.join('n1');
    assert.deepEqual(stub.told('rack'), [
      { type: 'rack', rack: 'r1', upBytesPerSecond: 9, downBytesPerSecond: 9 },
    ]);
    assert.deepEqual(stub.told('joined'), [
      { type: 'joined', node: 'n1', roomBytes: 0, rack: 'r1', deadline: 0 },
    ]);
    assert.equal(stub.run.facts.nodes.get('n1')?.roomBytes, 0);
  });

  void test("`startNodes` knows the frontend's link, or the limit if that is less", () => {
    for (const [linkBytesPerSecond, frontendBytesPerSecond, rate] of [
      [8, null, 8],
      [8, 5, 5],
      [null, null, null],
    ] as const) {
      const stub = stubRun({ nodes, frontendBytesPerSecond });
      stub.begin({ linkBytesPerSecond });
      assert.equal(stub.run.facts.frontendBytesPerSecond, rate);
    }
  });
});

void suite('what the planner is told of images', () => {
  void test('`size` tells and keeps size and sketch of an image that was scanned', () => {
    const stub = listed();
    assert.equal(stub.run.facts.images.get(DISK)?.sketch, null);
    stub.scan('n1');
    assert.deepEqual(stub.told('sized'), [{ type: 'sized', image: DISK, bytes: IMAGE_BYTES }]);
    assert.deepEqual(stub.told('sketched'), [{ type: 'sketched', image: DISK, sketch: SKETCH }]);
    assert.deepEqual(stub.run.facts.images.get(DISK)?.sketch, SKETCH);
  });

  void test('`arrive` tells the rate of a transfer that began after the scan', () => {
    const stub = listed();
    stub.scan('n1');
    assert.equal(rateOfTransfer(stub, 'n1'), IMAGE_BYTES / 2);
  });

  void test('`arrive` tells no rate of a transfer that began before its origin had scanned', () => {
    assert.equal(rateOfTransfer(listed(), 'n1'), undefined);
  });

  void test('`arrive` tells the rate of a transfer from a node that was given the image', () => {
    const stub = scanned();
    stub.settle('n2', stub.pull('n1', 'n1', 'n2'));
    assert.equal(rateOfTransfer(stub, 'n2'), IMAGE_BYTES / 2);
  });
});

void suite('when all nodes have come', () => {
  void test('`assembled` is told once when every node has named its images or failed', () => {
    const stub = stubRun({ nodes });
    stub.begin();
    for (const node of ['n1', 'n2']) {
      stub.join(node);
      stub.list(node, '/vm/disk');
    }
    assert.deepEqual(stub.told('assembled'), []);
    loseNode(stub.run, 'n3', FAILURE);
    assert.equal(stub.told('assembled').length, 1);
    loseNode(stub.run, 'n2', FAILURE);
    assert.equal(stub.told('assembled').length, 1);
  });

  void test('`assembled` is told when the first node has waited long for the others', async () => {
    const stub = stubRun({ nodes });
    stub.begin();
    stub.join('n1');
    stub.pass(5000);
    await setImmediate();
    assert.deepEqual(stub.told('assembled'), []);
    stub.list('n1');
    await setImmediate();
    assert.equal(stub.told('assembled').length, 1);
    for (const node of ['n2', 'n3']) {
      stub.join(node);
      stub.list(node);
    }
    assert.equal(stub.told('assembled').length, 1);
  });

  void test('`assembled` is told at once when an earlier run released every node', () => {
    const resumption = { ...RESUMPTION, released: releasedBefore(...nodes) };
    const stub = stubRun({ nodes, resumption });
    stub.begin();
    assert.equal(stub.told('assembled').length, 1);
  });
});

void suite('several copies of an image', () => {
  void test('`settle` drops the copy that a relay moved on, and no other', () => {
    const stub = scanned();
    stub.settle('n2', stub.pull('n1', 'n1', 'n2'));
    stub.settle('n3', stub.pull('n1', 'n1', 'n3'));
    assert.deepEqual(stub.drops, []);
    stub.settle('n4', stub.pull('n1', 'n2', 'n4'));
    assert.deepEqual(stub.drops, [`n2 ${DISK}`]);
    assert.deepEqual(stub.run.facts.images.get(DISK)?.route, ['n1', 'n2', 'n4']);
  });

  void test('`settle` drops all copies of an image that is safe', () => {
    const stub = scanned();
    stub.settle('n2', stub.pull('n1', 'n1', 'n2'));
    stub.settle('n3', stub.pull('n1', 'n1', 'n3'));
    stub.settle(FRONTEND, stub.pull('n1', 'n2', FRONTEND));
    assert.deepEqual(stub.drops.toSorted(), [`n2 ${DISK}`, `n3 ${DISK}`]);
    assert.deepEqual(stub.run.facts.images.get(DISK)?.route, ['n1', 'n2', FRONTEND]);
  });

  void test('`settle` keeps what an earlier run spooled, which counts until the image is safe', () => {
    const images = new Map([[DISK, { ...spooled(), safe: false, copies: ['n2'] }]]);
    const stub = stubRun({ nodes: ['n2', 'n3'], resumption: { ...RESUMPTION, images } });
    stub.begin();
    stub.join('n2', { spooled: [spooled()] });
    stub.settle('n3', stub.pull('n1', 'n2', 'n3'));
    assert.equal(stub.drops.length, 0);
    stub.settle(FRONTEND, stub.pull('n1', 'n2', FRONTEND));
    assert.deepEqual(stub.drops.toSorted(), [`n2 ${DISK}`, `n3 ${DISK}`]);
  });

  void test('`adoptSpares` does not take up a copy that was dropped', () => {
    const stub = stubRun({ nodes });
    stub.begin();
    for (const node of nodes) {
      stub.join(node, { spooled: node === 'n2' ? [spooled()] : [] });
      stub.list(node, ...(node === 'n1' ? ['/vm/disk'] : []));
    }
    stub.scan('n1');
    stub.settle('n2', stub.pull('n1', 'n1', 'n2'));
    stub.settle('n3', stub.pull('n1', 'n2', 'n3'));
    assert.deepEqual(stub.drops, [`n2 ${DISK}`]);
    loseNode(stub.run, 'n1', FAILURE);
    assert.deepEqual(
      stub.told('held').map(({ node }) => node),
      ['n1'],
    );
  });

  void test('`tellListed` waits while a spool keeps an image whose node has not answered', () => {
    for (const isLost of [false, true]) {
      const stub = stubRun({ nodes: ['n1', 'n2'] });
      stub.begin();
      stub.join('n2', { spooled: [spooled()] });
      stub.list('n2', '/vm/other');
      assert.deepEqual(stub.told('listed'), [], 'it is not released yet');
      stub.join('n1');
      assert.deepEqual(stub.told('listed'), []);
      if (isLost) loseNode(stub.run, 'n1', FAILURE);
      else stub.list('n1', '/vm/disk');
      const told = stub.told('listed').map(({ node }) => node);
      assert.deepEqual(told, isLost ? ['n2'] : ['n2', 'n1']);
      const held = stub.told('held').filter(({ image }) => image === DISK);
      assert.deepEqual(
        held.map(({ node }) => node),
        [isLost ? 'n2' : 'n1'],
      );
    }
  });

  void test('`takeUpSpooled` takes up every copy that the journal knows', () => {
    const images = new Map([[DISK, { ...spooled(), safe: false, copies: ['n2', 'n4'] }]]);
    const resumption = { ...RESUMPTION, released: releasedBefore('n1'), images };
    const stub = stubRun({ nodes: ['n1', 'n2', 'n3', 'n4'], resumption });
    stub.begin();
    for (const node of ['n2', 'n3', 'n4']) stub.join(node, { spooled: [spooled()] });
    assert.deepEqual(
      stub.told('held').map(({ node }) => node),
      ['n2', 'n4'],
    );
  });

  void test('`takeUpSpooled` takes up nothing of nodes that neither run nor journal knows, and holds who has it', () => {
    for (const [copies, safe, takenUp, stays] of [
      [[], false, [], ['n2']],
      [['n3'], false, [], ['n2']],
      [['n2'], false, ['n2'], []],
      [[], true, [], []],
    ] as const) {
      const images = new Map([[DISK, { ...spooled(), safe, copies }]]);
      const stub = stubRun({ nodes: ['n2'], resumption: { ...RESUMPTION, images } });
      stub.begin();
      stub.join('n2', { spooled: [spooled()] });
      stub.list('n2', '/vm/disk');
      const held = stub.told('held').filter(({ image }) => image === DISK);
      assert.deepEqual(
        held.map(({ node }) => node),
        takenUp,
      );
      assert.deepEqual(
        stub.told('stays').map(({ node }) => node),
        stays,
      );
      assert.equal(stub.run.facts.nodes.get('n2')?.keepsMore, stays.length > 0);
      assert.equal(stub.failures.length, stays.length);
    }
  });

  void test('`endFacts` holds every node that has a copy of an image that is not safe', () => {
    const stub = scanned();
    stub.settle('n2', stub.pull('n1', 'n1', 'n2'));
    stub.settle('n3', stub.pull('n1', 'n1', 'n3'));
    endFacts(stub.run, { interrupted: true });
    for (const node of ['n1', 'n2', 'n3']) {
      assert.equal(stub.run.facts.nodes.get(node)?.state, 'held');
    }
    assert.equal(stub.run.facts.nodes.get('n4')?.state, 'failed');
  });
});

/** A run of four nodes of which the first has an image. */
function listed(): StubRun {
  const stub = stubRun({ nodes: [...nodes, 'n4'] });
  stub.begin();
  for (const node of [...nodes, 'n4']) {
    stub.join(node);
    stub.list(node, ...(node === 'n1' ? ['/vm/disk'] : []));
  }
  return stub;
}

/** The same run, when the image has been scanned. */
function scanned(): StubRun {
  const stub = listed();
  stub.scan('n1');
  return stub;
}

/** The rate that is told of a transfer of the whole image in two seconds. */
function rateOfTransfer(stub: StubRun, from: string): number | undefined {
  stub.setSeconds(1);
  const transfer = stub.pull('n1', from, 'n3');
  stub.setSeconds(3);
  stub.says('n3', { type: 'arrived', transfer, wireBytes: IMAGE_BYTES });
  assert.equal(stub.run.facts.transfers.get(transfer)?.wireBytes, IMAGE_BYTES);
  return stub.told('arrived').at(-1)?.bytesPerSecond;
}

function spooled() {
  return { id: DISK, node: 'n1', path: '/vm/disk', sizeBytes: IMAGE_BYTES };
}
