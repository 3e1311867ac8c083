import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { readCatalogue } from '../../src/catalogue/catalogue.ts';
import type { ManifestImage } from '../../src/catalogue/manifest.ts';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import {
  encodeEntry,
  encodeHead,
  encodeTail,
  ENTRY_BYTES,
} from '../../src/content/index-format.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import type { ChunkName } from '../../src/store/chunk-reader.ts';
import { type Lease, takeLease } from '../../src/store/lease.ts';
import { restoreFromTrash, trashBatches } from '../../src/store/trash.ts';
import { CHUNK } from '../content/fixtures.ts';
import {
  digestOfLetter,
  HOUR_MS,
  makeSampleStore,
  pruneStore,
  putChunk,
  sampleManifest,
  type SampleStore,
} from './sample-store.ts';

/** What others do, between prunes or in the middle of one. */
type Deed =
  | { readonly kind: 'begin'; readonly letters: string }
  | { readonly kind: 'publish' | 'die' | 'open' | 'close' };

/** What happens to a prune before its change of this number. */
type Event = { readonly step: number; readonly deed: Deed | { readonly kind: 'crash' } };

type Act =
  | Deed
  | {
      readonly kind: 'prune';
      readonly keep: number;
      readonly hours: number;
      readonly events: readonly Event[];
    };

const IMAGE: ManifestImage = {
  node: 'n1',
  name: 'disk',
  path: '/disk',
  indexSha256: '0'.repeat(64),
  sizeBytes: 0,
  dataBytes: 0,
  wireBytes: 0,
  chunks: 0,
};

class Crash extends Error {}

const letters = fc.string({
  unit: fc.constantFrom(...'abcdefg.'.split('')),
  minLength: 1,
  maxLength: 4,
});

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('begin' as const), letters }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('publish' as const, 'die' as const) }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'open' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'close' as const }) },
);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: deed },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('prune' as const),
      keep: fc.constantFrom(0, 1, 1, 1, 2),
      hours: fc.constantFrom(0, 25, 25),
      events: fc.array(
        fc.record({
          step: fc.nat({ max: 12 }),
          deed: fc.oneof(deed, fc.constant({ kind: 'crash' as const })),
        }),
        { maxLength: 3 },
      ),
    }),
  },
);

void suite('prune in histories', () => {
  void test('loses no chunk that is needed, and in the end keeps no other', async (t) => {
    const history = fc.array(act, { minLength: 4, maxLength: 16, size: 'max' });
    await fc.assert(
      fc.asyncProperty(history, async (acts) => {
        const world = makeWorld(makeSampleStore(t));
        for (const image of ['ab', 'cd', 'ef']) world.add(image);
        for (const one of acts) {
          if (one.kind === 'prune') await world.prune(one);
          else world.does(one);
          await world.check();
        }
        await world.checkEnd();
      }),
      { numRuns: 60 },
    );
  });

  void test('goes on wherever it was stopped', async (t) => {
    for (let step = 0; ; step += 1) {
      const world = makeWorld(makeSampleStore(t));
      for (const image of ['ab', 'bc', 'cd']) world.add(image);
      await world.prune({ keep: 2, hours: 0, events: [] });
      const crash: Event = { step, deed: { kind: 'crash' } };
      const isDone = await world.prune({ keep: 1, hours: 25, events: [crash] });
      await world.check();
      await world.prune({ keep: 1, hours: 0, events: [] });
      assert.equal(world.published(), 1);
      await world.checkEnd();
      if (isDone) return;
      assert.ok(step < 50, 'a prune of four chunks has few steps');
    }
  });
});

function makeWorld(store: SampleStore) {
  const { place } = store;
  const reader = chunkFiles(place);
  const writers: { readonly lease: Lease; readonly letters: string }[] = [];
  const readers: { readonly lease: Lease; readonly chunks: readonly ChunkName[] }[] = [];
  /** Of each run, its image. */
  const contents = new Map<string, string>();
  let runs = 0;
  let hours = 0;

  /** As a writer of chunks does: what was set aside is brought back. */
  function hold(letter: string): void {
    const digest = digestOfLetter(letter);
    const file = chunkFileOf(place.chunks, digest);
    if (!existsSync(file) && !restoreFromTrash(place, digest)) putChunk(file, letter);
  }
  function publish({ isCutOff }: { isCutOff: boolean }): void {
    const writer = writers.shift();
    if (writer === undefined) return;
    runs += 1;
    const run = `202601${String(runs).padStart(2, '0')}T000000Z-000000`;
    const index = store.indexOf({ run });
    contents.set(run, writer.letters);
    mkdirSync(dirname(index), { recursive: true });
    writeFileSync(`${index}.kgetplus-part`, indexBytes(writer.letters));
    renameSync(`${index}.kgetplus-part`, index);
    if (!isCutOff) {
      if (trashBatches(place).length > 0) writer.letters.split('').forEach(hold);
      writeFileSync(store.manifestOf(run), JSON.stringify(sampleManifest(run, [IMAGE])));
    }
    writer.lease.release();
  }
  function open(): void {
    // The oldest one: it is the next to be forgotten.
    const [index] = indexes();
    if (index === undefined) return;
    // The lease first, then the catalogue is read.
    const lease = takeLease(place, 'restore');
    readers.push({ lease, chunks: chunksOf(contents.get(runOf(index)) ?? '') });
  }
  function indexes(): string[] {
    return globSync(join(place.snapshots, '*/*/*.caibx')).toSorted((one, other) =>
      one < other ? -1 : 1,
    );
  }
  function does(one: Deed): void {
    switch (one.kind) {
      case 'begin':
        writers.push({ lease: takeLease(place, 'gather'), letters: one.letters });
        return one.letters.split('').forEach(hold);
      case 'publish':
        return publish({ isCutOff: false });
      case 'die':
        return publish({ isCutOff: true });
      case 'open':
        return open();
      case 'close':
        return readers.shift()?.lease.release();
      default:
        one satisfies never;
    }
  }
  async function readAll(chunks: readonly ChunkName[]): Promise<void> {
    for (const chunk of chunks) await reader.read(chunk);
  }
  return {
    does,
    /** Begins and publishes a snapshot. */
    add(image: string) {
      does({ kind: 'begin', letters: image });
      does({ kind: 'publish' });
    },
    published: () => indexes().length,
    /** False if it crashed. */
    async prune({ keep, hours: later, events }: Omit<Extract<Act, { kind: 'prune' }>, 'kind'>) {
      hours += later;
      let step = -1;
      try {
        await pruneStore(place, {
          policy: keep === 0 ? {} : { last: keep },
          nowMs: () => Date.now() + hours * HOUR_MS,
          onStep() {
            step += 1;
            for (const event of events.filter((it) => it.step === step)) {
              if (event.deed.kind === 'crash') throw new Crash();
              does(event.deed);
            }
          },
        });
        return true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        return false;
      }
    },
    async check() {
      for (const path of indexes()) {
        const index = await openBlobIndex(path);
        await readAll(index.read(0, index.chunkCount));
        index.close();
      }
      for (const { chunks } of readers) await readAll(chunks);
    },
    /** When all others are gone, a few prunes leave what is needed and nothing else. */
    async checkEnd() {
      for (const { lease } of [...writers, ...readers]) lease.release();
      readers.length = 0;
      for (const _again of [1, 2, 3]) await this.prune({ keep: 0, hours: 25, events: [] });
      await this.check();
      const needed = new Set(
        indexes().flatMap((path) => (contents.get(runOf(path)) ?? '').split('')),
      );
      assert.deepEqual(new Set(store.stored().split('')), needed);
      assert.equal(store.aside(), '');
      assert.deepEqual(readCatalogue(place).warnings, [], 'manifests tell of what there is');
      assert.deepEqual(globSync(join(place.snapshots, '*/*/.*')), [], 'no index is left behind');
    },
  };
}

function runOf(indexPath: string): string {
  return basename(dirname(dirname(indexPath)));
}

function chunksOf(text: string): readonly ChunkName[] {
  return text.split('').map((letter) => ({
    digest: digestOfLetter(letter),
    algorithm: 'sha256',
    lengthBytes: CHUNK,
  }));
}

function indexBytes(text: string): Buffer {
  const shape = { sizeBytes: text.length * CHUNK, chunkSizeBytes: CHUNK };
  const entries = Buffer.alloc(text.length * ENTRY_BYTES);
  for (const [position, letter] of text.split('').entries()) {
    const digest = digestOfLetter(letter);
    encodeEntry(entries, position * ENTRY_BYTES, { shape, position, digest });
  }
  return Buffer.concat([encodeHead(CHUNK), entries, encodeTail(text.length)]);
}
