import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { Snapshot } from '../../src/catalogue/catalogue.ts';
import { openDiff } from '../../src/catalogue/diff.ts';
import type { Extent } from '../../src/catalogue/diff-chunks.ts';
import { type DigestAlgorithm, digestBy } from '../../src/content/digest-algorithm.ts';
import { encodeHead, encodeTail } from '../../src/content/index-format.ts';
import { drawImage, temporaryDirectory, writeIndex } from '../content/fixtures.ts';

/** Sizes of the sample's chunks, which are cut by content. */
const BOUNDS = { min: 4096, avg: 8192, max: 16_384 };

const SHA512_256 = 0x2000000000000000n;

function snapshotAt(indexPath: string): Snapshot {
  return {
    id: indexPath,
    run: 'run',
    node: 'node',
    name: 'disk.img',
    takenAt: '2026-01-01T00:00:00.000Z',
    indexPath,
    tags: [],
    image: undefined,
  };
}

/** An index of chunks of given lengths, cut by content; letters fill them, `.` is zeros. */
function writeCut(
  path: string,
  chunks: readonly (readonly [letter: string, lengthBytes: number])[],
  {
    algorithm = 'sha256',
    bounds = BOUNDS,
  }: { algorithm?: DigestAlgorithm; bounds?: typeof BOUNDS } = {},
): void {
  const head = encodeHead(bounds.max);
  if (algorithm === 'sha512-256') head.writeBigUInt64LE(SHA512_256, 16);
  for (const [place, bytes] of [bounds.min, bounds.avg, bounds.max].entries()) {
    head.writeBigUInt64LE(BigInt(bytes), 24 + 8 * place);
  }
  let end = 0;
  const entries = chunks.map(([letter, lengthBytes]) => {
    const entry = Buffer.alloc(40);
    end += lengthBytes;
    const plain = Buffer.alloc(lengthBytes, letter === '.' ? 0 : letter);
    entry.writeBigUInt64LE(BigInt(end), 0);
    digestBy(algorithm, plain).copy(entry, 8);
    return entry;
  });
  writeFileSync(path, Buffer.concat([head, ...entries, encodeTail(chunks.length)]));
}

async function diff(one: string, other: string) {
  const opened = await openDiff(snapshotAt(one), snapshotAt(other));
  try {
    const words: string[] = [];
    const extents = opened.extents();
    for (;;) {
      const next = await extents.next();
      if (next.done === true) return { words, summary: next.value, precision: opened.precision };
      words.push(`${next.value.offset}+${next.value.lengthBytes} ${next.value.change}`);
    }
  } finally {
    opened.close();
  }
}

function paths(t: TestContext): readonly [string, string] {
  const directory = temporaryDirectory(t);
  return [join(directory, 'one.caibx'), join(directory, 'other.caibx')];
}

void suite('openDiff', () => {
  void test('`openDiff` sums up what it tells', async (t) => {
    const [one, other] = paths(t);
    await writeIndex(one, drawImage('ab.cd'));
    await writeIndex(other, drawImage('axx.d'));
    assert.deepEqual(await diff(one, other), {
      words: ['4096+4096 changed', '8192+4096 written', '12288+4096 zeroed'],
      summary: {
        extents: 3,
        bytes: { changed: 4096, written: 4096, zeroed: 4096, added: 0, removed: 0 },
      },
      precision: 'chunks',
    });
  });

  void test('`openDiff` knows zeros in a short last chunk', async (t) => {
    const [one, other] = paths(t);
    await writeIndex(one, drawImage('a.', 100));
    await writeIndex(other, drawImage('ab', 100));
    assert.deepEqual((await diff(one, other)).words, ['4096+100 written']);
  });

  void test('`openDiff` compares chunks that were cut by content', async (t) => {
    const [one, other] = paths(t);
    writeCut(one, [
      ['a', 5000],
      ['.', 16_384],
      ['b', 6000],
      ['c', 300],
    ]);
    writeCut(other, [
      ['a', 5000],
      ['.', 16_384],
      ['x', 6000],
      ['c', 300],
    ]);
    const { words, precision } = await diff(one, other);
    assert.deepEqual([words, precision], [['21384+6000 changed'], 'chunks']);
  });

  void test('`openDiff` compares chunks by content whatever the bounds of their sizes', async (t) => {
    const [one, other] = paths(t);
    writeCut(one, [
      ['a', 5000],
      ['b', 6000],
    ]);
    const bounds = { ...BOUNDS, max: 32_768 };
    writeCut(
      other,
      [
        ['a', 5000],
        ['x', 6000],
      ],
      { bounds },
    );
    assert.deepEqual((await diff(one, other)).words, ['5000+6000 changed']);
  });

  void test('`openDiff` compares zeros alone when digests are of two kinds', async (t) => {
    const [one, other] = paths(t);
    const chunks = [
      ['a', 5000],
      ['.', 16_384],
      ['b', 300],
    ] as const;
    writeCut(one, chunks);
    writeCut(other, chunks, { algorithm: 'sha512-256' });
    const { words, precision } = await diff(one, other);
    assert.deepEqual([words, precision], [['0+5000 changed', '21384+300 changed'], 'zeros']);
  });

  void test('`openDiff` tells its extents again when it is asked again', async (t) => {
    const [one, other] = paths(t);
    await writeIndex(one, drawImage('ab'));
    await writeIndex(other, drawImage('ac'));
    const opened = await openDiff(snapshotAt(one), snapshotAt(other));
    t.after(() => opened.close());
    for (let times = 0; times < 2; times += 1) {
      const found: Extent[] = [];
      for await (const extent of opened.extents()) found.push(extent);
      assert.deepEqual(found, [{ offset: 4096, lengthBytes: 4096, change: 'changed' }]);
    }
  });

  void test('`openDiff` stops when it is told to', async (t) => {
    const [one, other] = paths(t);
    await writeIndex(one, drawImage('a'.repeat(5000)));
    const opened = await openDiff(snapshotAt(one), snapshotAt(one));
    t.after(() => opened.close());
    await assert.rejects(opened.extents(AbortSignal.abort()).next(), { code: 'cancelled' });
    writeFileSync(other, '');
    await assert.rejects(openDiff(snapshotAt(one), snapshotAt(other)), { code: 'corrupt' });
  });
});
