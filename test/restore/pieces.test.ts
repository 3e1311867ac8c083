/** The small parts of `restore`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Snapshot } from '../../src/catalogue/catalogue.ts';
import { byteProgress } from '../../src/cli/byte-progress.ts';
import { dataBlocks } from '../../src/restore/data-blocks.ts';
import { createFlight } from '../../src/restore/flight.ts';
import { inOrder } from '../../src/restore/in-order.ts';
import { QCOW2_HEAD_BYTES, qcow2Dependency } from '../../src/restore/qcow2-header.ts';
import { tarHeader } from '../../src/content/tar-header.ts';
import { targetPaths } from '../../src/restore/target-paths.ts';

void test('`dataBlocks` leaves out whole blocks of zeros, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 10_000 }),
      fc.nat({ max: 20_000 }),
      fc.array(fc.nat({ max: 20_000 }), { maxLength: 5 }),
      (offset, length, marks) => {
        const bytes = Buffer.alloc(length);
        for (const mark of marks) if (mark < length) bytes[mark] = 1;
        const covered = Buffer.alloc(length);
        for (const range of dataBlocks(bytes, offset)) {
          assert.ok(range.length > 0);
          covered.fill(1, range.offset, range.offset + range.length);
        }
        for (let from = 0; from < length;) {
          const to = Math.min(from + 4096 - ((offset + from) % 4096), length);
          const isData = bytes.subarray(from, to).some(Boolean);
          const wanted = Buffer.alloc(to - from, Number(isData));
          assert.ok(covered.subarray(from, to).equals(wanted), `bytes ${from} to ${to}`);
          from = to;
        }
      },
    ),
    { numRuns: 200 },
  );
});

/** Work that ends when it is told to. */
function controlled() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { work: () => promise, resolve, reject };
}

void test('a flight holds no more bytes and pieces than it may', async () => {
  const flight = createFlight({ bytes: 10, pieces: 2 });
  const [large, small, third] = [controlled(), controlled(), controlled()];
  await flight.launch(100, large.work);
  let launched = false;
  const second = flight.launch(1, small.work).then(() => (launched = true));
  await new Promise(setImmediate);
  assert.equal(launched, false, 'the first one is large');
  large.resolve();
  await second;
  await flight.launch(1, third.work);
  const [fourth] = [controlled()];
  launched = false;
  const waiting = flight.launch(1, fourth.work).then(() => (launched = true));
  await new Promise(setImmediate);
  assert.equal(launched, false, 'there are two pieces');
  third.resolve();
  await waiting;
  small.resolve();
  fourth.resolve();
  await flight.land();
});

void test('a flight tells the first failure, and waits for all', async () => {
  const flight = createFlight();
  const [bad, good] = [controlled(), controlled()];
  await flight.launch(1, bad.work);
  await flight.launch(1, good.work);
  bad.reject(new Error('first'));
  let landed = false;
  const landing = flight.land().finally(() => (landed = true));
  landing.catch(() => {});
  await new Promise(setImmediate);
  assert.equal(landed, false);
  good.resolve();
  await assert.rejects(landing, /first/);
  await assert.rejects(
    flight.launch(1, async () => {}),
    /first/,
  );
});

void test('`inOrder` yields in order, whatever ends first, and no more than it may', async () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 20 * 1024 * 1024 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.array(fc.nat({ max: 5 })), async (bytes, turns) => {
      const items = bytes.map((lengthBytes, at) => ({ at, lengthBytes }));
      let [held, pieces] = [0, 0];
      const results: number[] = [];
      const working = inOrder(items, async ({ at, lengthBytes }) => {
        held += lengthBytes;
        pieces += 1;
        assert.ok(held <= 32 * 1024 * 1024 || pieces === 1, `${held} B`);
        assert.ok(pieces <= 17);
        for (let turn = 0; turn < (turns[at] ?? 0); turn += 1) await Promise.resolve();
        return { at, lengthBytes };
      });
      for await (const { at, lengthBytes } of working) {
        held -= lengthBytes;
        pieces -= 1;
        results.push(at);
      }
      assert.deepEqual(
        results,
        items.map(({ at }) => at),
      );
    }),
    { numRuns: 30 },
  );
});

void test('`inOrder` tells a failure in its turn, when all work has ended', async () => {
  const slow = controlled();
  const items = [0, 1, 2].map((at) => ({ at, lengthBytes: 1 }));
  const working = inOrder(items, async ({ at }) => {
    if (at === 1) throw new Error('second');
    if (at === 2) await slow.work();
    return at;
  });
  assert.deepEqual(await working.next(), { done: false, value: 0 });
  let ended = false;
  const failing = working.next().finally(() => (ended = true));
  failing.catch(() => {});
  await new Promise(setImmediate);
  assert.equal(ended, false);
  slow.resolve();
  await assert.rejects(failing, /second/);
});

void test('`tarHeader` writes sizes beyond octal digits in base 256', () => {
  const entry = { name: 'disk/x', mode: 0o440, owner: 107, group: 107 };
  const small = tarHeader({ ...entry, sizeBytes: 8 ** 11 - 1 });
  assert.equal(small.subarray(124, 136).toString(), '77777777777\0');
  const large = tarHeader({ ...entry, sizeBytes: 8 ** 11 });
  assert.equal(large.subarray(124, 136).toString('hex'), '800000000000000200000000');
  assert.equal(large.length, 512);
});

void test('`qcow2Dependency` tells what a file needs besides itself', () => {
  const head = Buffer.alloc(QCOW2_HEAD_BYTES);
  assert.match(qcow2Dependency(head) ?? '', /no qcow2 file/);
  head.write('QFI\u00fb', 'latin1');
  head.writeUInt32BE(3, 4);
  assert.equal(qcow2Dependency(head), undefined);
  assert.match(qcow2Dependency(head.subarray(0, 50)) ?? '', /no qcow2 file/);
  head.writeBigUInt64BE(4n, 72);
  assert.match(qcow2Dependency(head) ?? '', /in another file/);
  head.writeBigUInt64BE(512n, 8);
  assert.match(qcow2Dependency(head) ?? '', /backing file/);
});

function snapshotOf(node: string, name: string, run = 'R'): Snapshot {
  const id = `${run}/${node}/${name}`;
  return { id, run, node, name, takenAt: '', indexPath: '', tags: [], image: undefined };
}

function pathsOf(snapshots: readonly Snapshot[], to: string): string[] {
  return targetPaths(snapshots, to).map(({ path }) => path);
}

void test('`targetPaths` names one file, or files below a directory', () => {
  const one = snapshotOf('a1', 'x.img');
  const two = snapshotOf('a2', 'x.img');
  assert.deepEqual(pathsOf([one], '/none/y'), ['/none/y']);
  assert.deepEqual(pathsOf([one], '/none/y/'), ['/none/y/a1/x.img']);
  assert.deepEqual(pathsOf([one], '/'), ['/a1/x.img']);
  assert.deepEqual(pathsOf([one, two], '/none'), ['/none/a1/x.img', '/none/a2/x.img']);
  const clash = [one, snapshotOf('a1', 'x.img', 'Q')];
  assert.throws(() => targetPaths(clash, '/none'), { code: 'name-clash' });
});

void test('`targetPaths` never leads out of the directory', () => {
  for (const bad of ['..', '.', '', '/etc', 'a/b', '../x', 'a\0']) {
    assert.throws(() => targetPaths([snapshotOf(bad, 'x')], '/none/'), { code: 'usage' });
    assert.throws(() => targetPaths([snapshotOf('n', bad)], '/none/'), { code: 'usage' });
  }
});

void test('`byteProgress` draws one line on a terminal, and writes lines elsewhere', () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, sleep: () => Promise.resolve() };
  const written: string[] = [];
  const stream = { isTTY: true, columns: 60, write: (text: string) => written.push(text) };
  const progress = byteProgress(stream, clock);
  progress.begin('a long name '.repeat(9), 2048);
  nowMs = 1000;
  progress.done(1024);
  progress.done(1025);
  progress.end();
  assert.equal(written.length, 2);
  assert.match(written[0] ?? '', /1.00 KiB of 2.00 KiB · 1.00 KiB\/s · 1.0 s left · a long/);
  assert.ok((written[0] ?? '').length < 60 + 5);
  const lines: string[] = [];
  const plain = byteProgress({ write: (text: string) => lines.push(text) }, clock);
  plain.begin('x', 2048);
  plain.done(1024);
  plain.end();
  assert.deepEqual(lines, ['x (2.00 KiB)\n']);
});
