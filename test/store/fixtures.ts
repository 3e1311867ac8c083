/** Stores that the tests of `store` and of what works on it begin with. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { digestOf } from '../../src/content/digest.ts';
import { compress } from '../../src/content/zstd.ts';
import { type ChunkWriter, openChunkWriter } from '../../src/store/chunk-writer.ts';
import { takeLease } from '../../src/store/lease.ts';
import { type StorePlace, storePlace } from '../../src/store/store-place.ts';
import { CHUNK, temporaryDirectory, writeIndex } from '../content/fixtures.ts';

export interface TestStore {
  readonly place: StorePlace;
  /** Puts a snapshot into the store, chunks first. */
  addSnapshot(snapshot: TestSnapshot): Promise<void>;
}

export interface TestSnapshot {
  readonly run: string;
  readonly node?: string;
  readonly name?: string;
  readonly image: Buffer;
  readonly chunkSizeBytes?: number;
}

/** A store without snapshots, which is gone after the test. */
export async function makeStore(t: TestContext): Promise<TestStore> {
  const place = storePlace(temporaryDirectory(t));
  await withWriter(place, () => {});
  return {
    place,
    async addSnapshot({ run, node = 'a1', name = 'disk.img', image, chunkSizeBytes = CHUNK }) {
      await withWriter(place, (writer) => {
        for (let from = 0; from < image.length; from += chunkSizeBytes) {
          const bytes = image.subarray(from, from + chunkSizeBytes);
          const digest = digestOf(bytes);
          if (!writer.has(digest)) writer.put(digest, compress(bytes));
        }
      });
      const index = snapshotIndexPath(place, { run, node, name });
      mkdirSync(dirname(index), { recursive: true });
      await writeIndex(index, image, chunkSizeBytes);
    },
  };
}

/** Lets `work` put chunks into a store, and commits them. */
export async function withWriter(
  place: StorePlace,
  work: (writer: ChunkWriter) => unknown,
): Promise<void> {
  const lease = takeLease(place, 'test');
  const writer = await openChunkWriter(place, lease);
  try {
    await work(writer);
    await writer.commit();
  } finally {
    await writer.close();
    lease.release();
  }
}
