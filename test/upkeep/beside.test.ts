import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { readCatalogue } from '../../src/catalogue/catalogue.ts';
import { writeManifest } from '../../src/catalogue/manifest.ts';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { compress } from '../../src/content/zstd.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import { openChunkWriter } from '../../src/store/chunk-writer.ts';
import { takeLease } from '../../src/store/lease.ts';
import { trashBatches } from '../../src/store/trash.ts';
import { drawImage, writeIndex } from '../content/fixtures.ts';
import {
  digestOfLetter,
  makeSampleStore,
  pruneStore,
  readSnapshot,
  sampleManifest,
  type SampleStore,
} from './sample-store.ts';

const SNAPSHOTS = 24;
const ALPHABET = 'abcdefghij.';

/**
 * Without any grace: nothing but leases and the order of things protects what others rely on. What
 * happens when is up to the system; it must be right each time.
 */
void test('prune runs beside writers and readers, and none of them misses a chunk', async (t) => {
  const store = makeSampleStore(t);
  const contents = new Map<string, string>();
  const draw = createDice(Date.now());
  const over = new AbortController();
  let [prunes, reads] = [0, 0];

  async function write(): Promise<void> {
    for (let number = 1; number <= SNAPSHOTS; number += 1) {
      const run = `202601${String(number).padStart(2, '0')}T000000Z-000000`;
      const letters = Array.from({ length: 6 }, () => ALPHABET[draw(ALPHABET.length)]).join('');
      contents.set(run, letters);
      await gather(store, run, letters);
    }
    over.abort();
  }
  async function read(): Promise<void> {
    while (!over.signal.aborted) {
      const lease = takeLease(store.place, 'restore');
      const all = readCatalogue(store.place).runs.flatMap(({ snapshots }) => snapshots);
      const chosen = all[draw(all.length)];
      const index = chosen && (await openBlobIndex(chosen.indexPath).catch(() => undefined));
      if (chosen !== undefined && index !== undefined) {
        const reader = chunkFiles(store.place);
        const pieces: Buffer[] = [];
        for (const chunk of index.read(0, index.chunkCount)) {
          pieces.push(await reader.read(chunk));
          await new Promise(setImmediate);
        }
        index.close();
        assert.deepEqual(Buffer.concat(pieces), drawImage(contents.get(chosen.run) ?? ''));
        reads += 1;
      }
      lease.release();
      await new Promise(setImmediate);
    }
  }
  async function collect(): Promise<void> {
    while (!over.signal.aborted) {
      await pruneStore(store.place, { policy: { last: 2 }, graceMs: 0 });
      prunes += 1;
      await new Promise(setImmediate);
    }
  }
  // Whoever fails first ends the others.
  const working = [write(), read(), read(), collect()];
  await Promise.all(working).finally(() => over.abort());
  assert.ok(prunes > 1 && reads > 1, `${prunes} prunes, ${reads} reads`);

  // Nobody is left: what remains is what the last two snapshots need.
  for (const _again of [1, 2]) await pruneStore(store.place, { policy: { last: 2 }, graceMs: 0 });
  const left = readCatalogue(store.place).runs;
  assert.equal(left.length, 2);
  for (const { id } of left) {
    const letters = contents.get(id) ?? '';
    assert.deepEqual(
      await readSnapshot(store.place, store.indexOf({ run: id })),
      drawImage(letters),
    );
  }
  const needed = left.flatMap(({ id }) => (contents.get(id) ?? '').split(''));
  assert.deepEqual(new Set(store.stored().split('')), new Set(needed));
  assert.equal(store.aside(), '');
});

/** As a gather does it. */
async function gather({ place, indexOf, manifestOf }: SampleStore, run: string, letters: string) {
  const lease = takeLease(place, 'gather');
  const writer = await openChunkWriter(place, lease);
  const digests = letters.split('').map(digestOfLetter);
  for (const [at, digest] of digests.entries()) {
    if (!writer.has(digest)) writer.put(digest, compress(drawImage(letters[at] ?? '.')));
    await new Promise(setImmediate);
  }
  await writer.commit();
  const index = indexOf({ run });
  mkdirSync(dirname(index), { recursive: true });
  await writeIndex(`${index}.kgetplus-part`, drawImage(letters));
  renameSync(`${index}.kgetplus-part`, index);
  if (trashBatches(place).length > 0) for (const digest of digests) assert.ok(writer.has(digest));
  await writer.close();
  await writeManifest(manifestOf(run), sampleManifest(run));
  lease.release();
}

/** Numbers from 0 to below a bound; Park and Miller's generator. */
function createDice(seed: number): (bound: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647;
    return bound === 0 ? 0 : state % bound;
  };
}
