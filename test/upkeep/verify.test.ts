import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { systemClock } from '../../src/base/system-clock.ts';
import { readManifest, writeManifest } from '../../src/catalogue/manifest.ts';
import { digestOf } from '../../src/content/digest.ts';
import { compress } from '../../src/content/zstd.ts';
import { readLeases, takeLease } from '../../src/store/lease.ts';
import { openChunkWriter } from '../../src/store/chunk-writer.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import type { StorePlace } from '../../src/store/store-place.ts';
import { imageSource } from '../../src/upkeep/repair-from-image.ts';
import { nodesSource } from '../../src/upkeep/repair-from-nodes.ts';
import { storeSource } from '../../src/upkeep/repair-from-store.ts';
import { createSample, MAX_SEED } from '../../src/upkeep/sample.ts';
import { isGood, type VerifyReport } from '../../src/upkeep/verify-report.ts';
import { verify, type VerifyOptions } from '../../src/upkeep/verify.ts';
import { CHUNK, drawImage, temporaryDirectory, writeIndex } from '../content/fixtures.ts';
import {
  digestOfLetter,
  makeSampleStore,
  pruneStore,
  readSnapshot,
  sampleManifest,
  type SampleStore,
} from './sample-store.ts';

const FIRST = '20260101T000000Z-000001';
const SECOND = '20260102T000000Z-000002';
const LETTERS = 'abcdefghijklmnop';

/** Ways in which the chunk `c` may be spoiled. */
const DAMAGES: readonly (readonly [string, (file: string) => void])[] = [
  ['has a flipped bit', flipBit],
  ['was cut short', (file) => truncateSync(file, readFileSync(file).length - 3)],
  ['is empty', (file) => truncateSync(file, 0)],
  ['has another content, well compressed', (file) => writeFileSync(file, compress(drawImage('x')))],
  ['has more than it should', (file) => writeFileSync(file, compress(drawImage('cc')))],
  ['is no zstd frame', (file) => writeFileSync(file, 'nonsense')],
];

void suite('verify', () => {
  void test('finds a good store good, and reads each chunk once', async (t) => {
    const store = await twoSnapshots(t);
    const report = await verifyStore(store.place);
    assert.deepEqual([report.faults, report.bad], [[], []]);
    assert.ok(isGood(report));
    assert.equal(report.snapshots, 2);
    assert.equal(report.chunks, 5);
    assert.equal(report.readChunks, 5);
    assert.equal(report.readBytes, 5 * CHUNK);
    assert.deepEqual(readLeases(store.place), [], 'its lease is given back');
  });

  for (const [what, spoil] of DAMAGES) {
    void test(`renames a chunk that ${what}, and names whom it hurts`, async (t) => {
      const store = await twoSnapshots(t);
      const file = store.fileOf('c');
      spoil(file);
      const spoilt = readFileSync(file);
      const report = await verifyStore(store.place);
      assert.deepEqual(
        report.bad.map(({ message: _message, lengthBytes: _length, ...rest }) => rest),
        [
          {
            digest: digestOfLetter('c').toString('hex'),
            kind: 'damaged',
            setAside: `${file}.bad`,
            snapshots: [`${FIRST}/n1/disk`],
            snapshotCount: 1,
            repairedFrom: null,
          },
        ],
      );
      assert.ok(!isGood(report));
      assert.ok(!existsSync(file));
      assert.deepEqual(readFileSync(`${file}.bad`), spoilt);
      // A gather that finds the chunk again puts it there anew.
      const writer = await openChunkWriter(store.place, takeLease(store.place, 'test'));
      assert.equal(writer.has(digestOfLetter('c')), false);
      await writer.close();
      assert.deepEqual(
        (await verifyStore(store.place)).bad.map(({ kind }) => kind),
        ['missing'],
      );
    });
  }

  void test('keeps several damaged files of one chunk', async (t) => {
    const store = await twoSnapshots(t);
    const file = store.fileOf('c');
    writeFileSync(`${file}.bad`, 'before');
    flipBit(file);
    const [bad] = (await verifyStore(store.place)).bad;
    assert.equal(bad?.setAside, `${file}.bad.1`);
    assert.equal(readFileSync(`${file}.bad`, 'utf8'), 'before');
  });

  void test('reads a chunk that was set aside where it is', async (t) => {
    const store = await twoSnapshots(t);
    const hidden = join(store.place.directory, 'hidden');
    renameSync(store.place.snapshots, hidden);
    mkdirSync(store.place.snapshots);
    await pruneStore(store.place);
    rmSync(store.place.snapshots, { recursive: true });
    renameSync(hidden, store.place.snapshots);
    assert.equal(store.stored(), '');
    assert.ok(isGood(await verifyStore(store.place)));
  });

  void test('looks only at what the selected snapshots need', async (t) => {
    const store = await twoSnapshots(t);
    flipBit(store.fileOf('c'));
    const report = await verifyStore(store.place, { selection: { selectors: [SECOND] } });
    assert.ok(isGood(report));
    assert.equal(report.readChunks, 4);
    assert.ok(existsSync(store.fileOf('c')));
    const nothing = verifyStore(store.place, { selection: { selectors: ['1999*'] } });
    await assert.rejects(nothing, { code: 'usage' });
  });

  void test('tells what is wrong with indexes and manifests', async (t) => {
    const store = await twoSnapshots(t);
    await store.add({ run: FIRST, name: 'cut', letters: 'a' });
    await store.add({ run: FIRST, name: 'gone', letters: 'a' });
    await store.add({ run: FIRST, name: 'other', letters: 'a' });
    truncateSync(store.indexOf({ run: FIRST, name: 'cut' }), 120);
    rmSync(store.indexOf({ run: FIRST, name: 'gone' }));
    await writeIndex(store.indexOf({ run: FIRST, name: 'other' }), drawImage('b'));
    writeFileSync(store.manifestOf(SECOND), '{"schema":"kgetplus.manifest/1"}');
    const { faults } = await verifyStore(store.place);
    assert.deepEqual(faults.map(({ subject }) => subject).toSorted(compare), [
      `${FIRST}/n1/cut`,
      `${FIRST}/n1/gone`,
      `${FIRST}/n1/other`,
      SECOND,
    ]);
    assert.match(faults.find(({ subject }) => subject.endsWith('other'))?.message ?? '', /SHA-256/);
  });

  void test('tells of a manifest of another run, and of a wrong size', async (t) => {
    const store = await twoSnapshots(t);
    const manifest = readManifest(store.manifestOf(FIRST));
    const [image] = manifest.images;
    assert.ok(image);
    const images = [{ ...image, sizeBytes: 1 }];
    await writeManifest(store.manifestOf(FIRST), { ...manifest, images, run: SECOND });
    const { faults } = await verifyStore(store.place);
    assert.equal(faults.length, 2);
    assert.match(faults[0]?.message ?? '', /manifest is of run/);
    assert.match(faults[1]?.message ?? '', /manifest says 1 B/);
  });

  void test('tells of a digest that is used with two lengths', async (t) => {
    const store = await twoSnapshots(t);
    // The digest of a whole chunk for a short last one.
    const index = store.indexOf({ run: SECOND, name: 'liar' });
    await writeIndex(index, drawImage('a', 100));
    const bytes = readFileSync(index);
    digestOfLetter('a').copy(bytes, 64 + 8);
    writeFileSync(index, bytes);
    const { faults } = await verifyStore(store.place);
    assert.deepEqual(
      faults.map(({ message }) => /4096 B in it, and 100 B|100 B in it, and 4096 B/.test(message)),
      [true],
    );
  });

  void test('reads the same sample for the same seed', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: LETTERS });
    for (const letter of LETTERS) flipBit(store.fileOf(letter));
    const chosen = async (seed: number): Promise<string> => {
      const { bad } = await verifyStore(store.place, { share: 0.5, seed });
      for (const { setAside } of bad) renameSync(setAside ?? '', (setAside ?? '').slice(0, -4));
      return bad.map(({ digest }) => digest).join();
    };
    const first = await chosen(17);
    assert.equal(await chosen(17), first);
    assert.notEqual(await chosen(18), first);
  });

  void test('stops on request and tells what it has found', async (t) => {
    const store = await twoSnapshots(t);
    const interrupt = new AbortController();
    const report = await verifyStore(store.place, {
      atOnce: 1,
      signal: interrupt.signal,
      onProgress: () => interrupt.abort(),
    });
    assert.ok(report.isInterrupted);
    assert.ok(report.readChunks < 5);
  });

  void test('reads a store that it cannot write', async (t) => {
    if (process.getuid?.() === 0) return t.skip('root may write everywhere');
    const store = await twoSnapshots(t);
    chmodSync(store.place.directory, 0o500);
    try {
      const report = await verifyStore(store.place);
      assert.ok(isGood(report));
      assert.match(report.warnings.join(), /cannot be written/);
    } finally {
      chmodSync(store.place.directory, 0o700);
    }
  });
});

void suite('verify with sources', () => {
  void test('repairs from an older copy, also from another place in it', async (t) => {
    const store = await twoSnapshots(t);
    for (const letter of 'ac.') rmSync(store.fileOf(letter));
    flipBit(store.fileOf('b'));
    const copy = join(temporaryDirectory(t), 'copy.img');
    // `c` is where the snapshot has it, `a` is elsewhere, `b` is half overwritten.
    const image = drawImage('xbca');
    image.fill('y', CHUNK, CHUNK + 10);
    writeFileSync(copy, image);
    const report = await verifyStore(store.place, { sources: [imageSource(copy)] });
    const from = new Map(report.bad.map(({ digest, repairedFrom }) => [digest, repairedFrom]));
    const sourceOf = (letter: string): unknown => from.get(digestOfLetter(letter).toString('hex'));
    assert.deepEqual(
      [sourceOf('a'), sourceOf('b'), sourceOf('c'), sourceOf('.')],
      [copy, null, copy, 'zeros'],
    );
    assert.ok(!isGood(report));
    assert.equal(store.stored(), 'acd.');
  });

  void test('repairs a short last chunk', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    const index = store.indexOf({ run: FIRST, name: 'short' });
    const image = drawImage('ab', 700);
    await writeIndex(index, image);
    const copy = join(temporaryDirectory(t), 'copy.img');
    writeFileSync(copy, drawImage('ccb'));
    const report = await verifyStore(store.place, { sources: [imageSource(copy)] });
    assert.ok(isGood(report));
    assert.deepEqual(await readSnapshot(store.place, index), image);
  });

  void test('repairs from another store, and not from one that is damaged too', async (t) => {
    const store = await twoSnapshots(t);
    const [worse, better] = [await twoSnapshots(t), await twoSnapshots(t)];
    for (const each of [store, worse]) flipBit(each.fileOf('a'));
    const sources = [storeSource(worse.place.directory), storeSource(better.place.chunks)];
    const report = await verifyStore(store.place, { sources });
    assert.deepEqual(
      report.bad.map(({ repairedFrom }) => repairedFrom),
      [better.place.chunks],
    );
    assert.equal(report.warnings.length, 1);
    assert.ok(isGood(report));
    assert.deepEqual(
      await readSnapshot(store.place, store.indexOf({ run: FIRST })),
      drawImage('abc.'),
    );
    // Also writers know it again.
    const writer = await openChunkWriter(store.place, takeLease(store.place, 'test'));
    assert.equal(writer.has(digestOfLetter('a')), true);
    await writer.close();
  });

  void test('repairs from nodes that have the image still, whatever it is called', async (t) => {
    const store = await twoSnapshots(t);
    const directory = temporaryDirectory(t);
    const path = join(directory, "it's $HOME; *.img");
    writeFileSync(path, drawImage('abx.'));
    await moveTo(store, path);
    for (const letter of 'bc') flipBit(store.fileOf(letter));
    // A remote shell as ssh is: node, then one command line for the login shell.
    const shell = ['sh', '-c', 'test "$0" = n1 || exit 255; exec sh -c "$1"'];
    const source = nodesSource({ title: 'n1', nodes: ['n1'], command: shell });
    const report = await verifyStore(store.place, { sources: [source] });
    assert.deepEqual(
      report.bad.map(({ digest, repairedFrom }) => [digest, repairedFrom]).toSorted(byText),
      [
        [digestOfLetter('b').toString('hex'), 'n1'],
        [digestOfLetter('c').toString('hex'), null],
      ].toSorted(byText),
    );
  });

  void test('tells of nodes that cannot be reached, and of noise', async (t) => {
    const store = await twoSnapshots(t);
    await moveTo(store, '/nowhere');
    flipBit(store.fileOf('b'));
    for (const [script, words] of [
      ['echo no way >&2; exit 255', /n1: sh ended with 255; it said: no way/],
      ['yes welcome', /it sent more/],
    ] as const) {
      const source = nodesSource({ title: 'n1', nodes: ['n1'], command: ['sh', '-c', script] });
      const report = await verifyStore(store.place, { sources: [source] });
      assert.equal(report.warnings.length, 1);
      assert.match(report.warnings[0] ?? '', words);
    }
  });

  void test('refuses a node that is an option', () => {
    const node = '-oProxyCommand=x';
    assert.throws(() => nodesSource({ title: node, nodes: [node], command: ['ssh'] }), {
      code: 'usage',
    });
  });
});

void suite('createSample', () => {
  void test('takes about its share, whatever the seed', () => {
    const seeds = fc.integer({ min: 0, max: MAX_SEED });
    fc.assert(
      fc.property(seeds, fc.constantFrom(0.05, 0.3, 0.9), (seed, share) => {
        const sample = createSample(share, seed);
        const total = 4000;
        let taken = 0;
        for (let at = 0; at < total; at += 1)
          if (sample(digestOf(Buffer.from([at, at >> 8])))) taken += 1;
        // Six standard deviations.
        const slack = 6 * Math.sqrt(total * share * (1 - share));
        assert.ok(Math.abs(taken - total * share) <= slack, `${taken} of ${total}`);
      }),
      { numRuns: 20 },
    );
  });
});

async function twoSnapshots(t: Parameters<typeof makeSampleStore>[0]): Promise<SampleStore> {
  const store = makeSampleStore(t);
  await store.add({ run: FIRST, letters: 'abc.' });
  await store.add({ run: SECOND, letters: 'abd.' });
  return store;
}

function verifyStore(
  place: StorePlace,
  options: Partial<VerifyOptions> = {},
): Promise<VerifyReport> {
  return verify({
    chunks: chunkFiles(place),
    place,
    selection: { selectors: [] },
    share: 1,
    seed: 0,
    sources: [],
    atOnce: 3,
    clock: systemClock,
    signal: new AbortController().signal,
    ...options,
  });
}

/** Lets the manifest of the first run say that its image was at `path`. */
async function moveTo(store: SampleStore, path: string): Promise<void> {
  const manifest = readManifest(store.manifestOf(FIRST));
  const [image] = manifest.images;
  assert.ok(image);
  await writeManifest(store.manifestOf(FIRST), sampleManifest(FIRST, [{ ...image, path }]));
}

function flipBit(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length - 4;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : 1;
}

function byText(one: readonly unknown[], other: readonly unknown[]): number {
  return compare(String(one[0]), String(other[0]));
}
