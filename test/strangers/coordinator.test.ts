import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { MAX_LINE_BYTES } from '../../src/control/message-lines.ts';
import { DIGEST, READY } from '../coordinator/cluster.ts';
import { disk, HONEST, HOSTILE, runWithHostile, type Hostility } from './hostile-cluster.ts';

const SKETCH = { chunks: 0, hashes: [] };
const IMAGE = { path: '/vm/disk', sizeBytes: 1000, allocatedBytes: 1000 };
const FAILURE = { code: 'no-room', message: 'Cannot go on' };
const spare = (node: string, path: string) => {
  return { id: `${node}:${path}`, node, path, sizeBytes: 1000 };
};
const found = (...images: unknown[]) => ({ type: 'found', images, problems: [] });
const named = (path: string) => found({ ...IMAGE, path });
const failed = (transfer: string) => {
  return { type: 'receive-failed', transfer, blame: 'target', failure: FAILURE };
};
const scanned = (path: string) => {
  return { type: 'scanned', path, dataBytes: 1, imageDigest: DIGEST, sketch: SKETCH };
};
const received = (transfer: string) => {
  const counts = { wireBytes: 1, chunks: 1, dataBytes: 1, imageDigest: DIGEST };
  return { type: 'received', transfer, ...counts };
};

/** Whatever a hostile agent says instead of an answer to `type`. */
const instead = (type: string, ...said: unknown[]): Hostility => {
  return (message) => (message.type === type ? said : undefined);
};

/** All of the others is gathered, and each is released only then. */
async function assertUnharmed(hostility: Hostility) {
  const run = await runWithHostile(hostility);
  for (const node of HONEST) {
    assert.ok(run.safe.includes(disk(node)), `${disk(node)} is safe: ${describeRun(run)}`);
    assert.equal(run.facts.nodes.get(node)?.state, 'released', describeRun(run));
  }
  return run;
}

function describeRun(run: { failures: unknown; notices: unknown }): string {
  return JSON.stringify([run.failures, run.notices]).slice(0, 600);
}

void describe('`gather` goes on without an agent that', () => {
  const hostilities: Record<string, Hostility> = {
    'says `ready` twice': instead('configure', READY, READY),
    'names images before it is ready': instead('configure', named('/vm/disk'), READY),
    'names images twice': instead('find', named('/vm/disk'), named('/vm/other')),
    'tells of scans before it has named images': instead('find', scanned('/vm/disk')),
    'tells of scans after it was unfit': instead(
      'configure',
      { type: 'unfit', failure: FAILURE },
      scanned('/vm/disk'),
    ),
    'is ready after it was unfit': instead('configure', { type: 'unfit', failure: FAILURE }, READY),
    'says hello again': instead('find', {
      type: 'hello',
      version: '1',
      nodeVersion: 'v20',
      address: null,
    }),
    'serves on no port': instead('configure', { ...READY, port: 0 }),
    'serves on a port that is none': instead('configure', { ...READY, port: 70_000 }),
    'has less than no room': instead('configure', { ...READY, roomBytes: -1 }),
    'has more room than there is': instead('configure', { ...READY, roomBytes: 1e300 }),
    'has a link that is hardly one': instead('configure', { ...READY, linkBytesPerSecond: 1e-300 }),
    'names an image by a relative path': instead('find', named('disk')),
    'names an image by `..`': instead('find', named('/vm/..')),
    'names an image by `.`': instead('find', named('/vm/.')),
    'names a directory': instead('find', named('/vm/')),
    'names an image with NUL': instead('find', named('/vm/a\0b')),
    'names an image by no path': instead('find', named('')),
    'names an image by an endless path': instead('find', named(`/${'x'.repeat(5000)}`)),
    'names an image of a negative size': instead('find', found({ ...IMAGE, sizeBytes: -5 })),
    'names an image of half a byte': instead('find', found({ ...IMAGE, sizeBytes: 0.5 })),
    'names an image too large to count': instead('find', found({ ...IMAGE, sizeBytes: 2 ** 60 })),
    'names more images than an agent may': instead(
      'find',
      found(...Array.from({ length: 10_001 }, () => IMAGE)),
    ),
    'has a copy under a name that is not the image': instead('configure', {
      ...READY,
      spooled: [{ ...spare('node1', '/vm/disk'), id: 'node2:/vm/disk' }],
    }),
    'says what nobody understands': instead('find', { type: 'obey' }),
    'says nothing but a long line': instead('find', { type: 'notice', text: longText() }),
  };
  for (const [name, hostility] of Object.entries(hostilities)) {
    void test(name, async () => {
      const run = await assertUnharmed(hostility);
      assert.equal(run.facts.nodes.get(HOSTILE)?.state, 'failed', describeRun(run));
      assert.ok(
        run.failures.some(({ node }) => node === HOSTILE),
        'it is told',
      );
      assert.ok(!run.released.includes(HOSTILE));
    });
  }
});

void describe('`gather` is not misled by an agent that', () => {
  void test("says that others' transfers have arrived", async () => {
    let forged = 0;
    const run = await assertUnharmed((message, { transfers }) => {
      if (message.type !== 'find') return undefined;
      forged += 1;
      const claims = ['t1', 't2', 't3', 't4', ...transfers];
      return [named('/vm/disk'), ...claims.map(received), scanned('/vm/disk')];
    });
    assert.equal(forged, 1);
    assert.ok(
      run.notices.some((text) => text.startsWith('mallory: ignored "received" of transfer')),
    );
    const copies = run.journal.filter((record) => record.type === 'copy');
    const ordered = copies.filter(({ at }) => at === HOSTILE);
    assert.ok(ordered.length <= run.transfers.length, 'copies only by transfers');
  });

  void test("says that others' transfers have failed, for want of room at the frontend", async () => {
    const claims = ['t1', 't2', 't3', 't4'].map(failed);
    await assertUnharmed(instead('find', named('/vm/disk'), ...claims, scanned('/vm/disk')));
  });

  void test('has scanned more than there is', async () => {
    const said = { ...scanned('/vm/disk'), dataBytes: 2 ** 52 };
    const run = await assertUnharmed(instead('find', named('/vm/disk'), said));
    assert.equal(run.facts.images.get(disk(HOSTILE))?.sizeBytes, 1000);
  });

  void test('tells of scans of what it does not have', async () => {
    const unscanned = { type: 'scan-failed', path: '/vm/none', failure: FAILURE };
    await assertUnharmed(instead('find', named('/vm/disk'), scanned('/vm/none'), unscanned));
  });

  void test("has copies of others' images that they have themselves", async () => {
    const spooled = HONEST.map((node) => spare(node, '/vm/disk'));
    const run = await assertUnharmed(instead('configure', { ...READY, spooled }));
    for (const node of HONEST) assert.equal(run.facts.images.get(disk(node))?.route[0], node);
  });
});

void test('`gather` brings the images of honest nodes whatever a hostile agent says', async () => {
  const transfer = fc.constantFrom('t1', 't2', 't3', 't4', 't5', 't6', 't7');
  const path = fc.constantFrom('/vm/disk', '/vm/none', '/vm/..');
  const message = fc.oneof(
    fc.constant({ ...READY }),
    fc.constant({ type: 'unfit', failure: FAILURE }),
    path.map(named),
    path.map(scanned),
    path.map((of) => ({ type: 'scan-failed', path: of, failure: FAILURE })),
    transfer.map((of) => ({ type: 'arrived', transfer: of, wireBytes: 1 })),
    transfer.map((of) => ({ type: 'receiving', transfer: of, wireBytes: 1, doneBytes: 1 })),
    transfer.map(received),
    fc.constantFrom({ type: 'pong' }, { type: 'left' }, { type: 'notice', text: '' }),
  );
  const answers = fc.array(message, { maxLength: 6 });
  const said = fc.record({ configure: answers, find: answers });
  await fc.assert(
    fc.asyncProperty(said, fc.boolean(), async ({ configure, find }, isReady) => {
      await assertUnharmed((heard) => {
        if (heard.type === 'configure') return [...(isReady ? [READY] : []), ...configure, LEFT];
        // Whoever never names images is waited for: it ends at last.
        if (heard.type === 'find') return [...find, LEFT];
        return undefined;
      });
    }),
    { numRuns: 200 },
  );
});

const LEFT = { type: 'left' };

/** More than a message may have. */
function longText(): string {
  return 'x'.repeat(MAX_LINE_BYTES);
}
