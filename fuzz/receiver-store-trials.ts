import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openBlobIndex } from '../src/content/blob-index.ts';
import { chunkFileOf } from '../src/content/chunk-name.ts';
import type { ImageLanding } from '../src/content/landing.ts';
import { compress } from '../src/content/zstd.ts';
import { chunkFiles } from '../src/store/chunk-files.ts';
import type { ChunkWriter } from '../src/store/chunk-writer.ts';
import { holdsPlainBytes } from '../src/store/plain-length.ts';
import { openStoreLanding } from '../src/store/store-landing.ts';
import { type StorePlace, storePlace } from '../src/store/store-place.ts';
import { CHUNK_BYTES, digestOf } from '../test/transfer/memory.ts';
import { feedReceiver } from './feed-receiver.ts';
import { answerStreams } from './frame-trials.ts';
import { oddlyPacked } from './odd-frames.ts';
import type { Trial } from './target.ts';
import { IMAGE } from './transfer-recording.ts';

/** What a store may have already. */
const STORED = Array.from({ length: Math.ceil(IMAGE.length / CHUNK_BYTES) }, (_, position) => {
  const chunk = IMAGE.subarray(position * CHUNK_BYTES, (position + 1) * CHUNK_BYTES);
  return { digest: digestOf(chunk), packed: compress(chunk) };
});

/** What honest senders send, and what some others do. */
export function storeStreams(): Buffer[] {
  const honest = answerStreams();
  return [...honest, ...honest.flatMap(oddlyPacked)];
}

/** A receiver that lands in a store: what becomes a snapshot can be read back, as its index says. */
export async function tryReceiverStore(input: Buffer, { file, dice }: Trial): Promise<void> {
  const place = storePlace(`${file}-store`);
  const indexPath = join(place.snapshots, 'run/node1/disk.caibx');
  const put = new Set<string>();
  const writer = plainWriter(place, put);
  try {
    const storedOneIn = dice.pick([1, 3, Infinity]);
    for (const { digest, packed } of STORED)
      if (dice.oneIn(storedOneIn)) writer.put(digest, packed);
    let landing: ImageLanding | undefined;
    const end = await feedReceiver(input, {
      dice,
      level: 3,
      isHeeding: !dice.oneIn(8),
      land: async (sizeBytes) => {
        const shape = { sizeBytes, chunkSizeBytes: CHUNK_BYTES };
        const options = { place, writer, indexPath, shape, neededBytes: 0, level: 1 };
        landing = await openStoreLanding({ ...options, title: 'the image' });
        return landing;
      },
    });
    if (end === undefined || 'error' in end) await landing?.abandon({ keepPart: true });
    else await landing?.finish();
    assert.equal(existsSync(indexPath), end !== undefined && 'digests' in end);
    if (end === undefined) return;
    if ('error' in end) throw end.error;
    await assertReadable(place, indexPath, end.digests);
  } finally {
    // The directories stay: making them takes longest.
    for (const path of [...put, indexPath]) rmSync(path, { force: true });
  }
}

/** Chunks are in their files at once: no staging, no table, nothing that is made durable. */
function plainWriter(place: StorePlace, put: Set<string>): ChunkWriter {
  const done = Promise.resolve();
  return {
    has(digest, lengthBytes) {
      const file = chunkFileOf(place.chunks, digest);
      if (!put.has(file)) return false;
      return lengthBytes === undefined || holdsPlainBytes(file, digest, lengthBytes);
    },
    put(digest, packed) {
      const file = chunkFileOf(place.chunks, digest);
      if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, packed);
      put.add(file);
    },
    ready: () => done,
    commit: () => done,
    close: () => done,
  };
}

async function assertReadable(
  place: StorePlace,
  indexPath: string,
  digests: readonly Buffer[],
): Promise<void> {
  const reader = chunkFiles(place);
  const index = await openBlobIndex(indexPath);
  try {
    assert.equal(index.chunkCount, digests.length);
    for (const [position, chunk] of index.read(0, index.chunkCount).entries()) {
      assert.ok(digests[position]?.equals(chunk.digest), `chunk ${position} is another one`);
      await reader.read({ ...chunk, algorithm: 'sha256' });
    }
  } catch (error) {
    assert.fail(`the snapshot cannot be read: ${String(error)}`);
  } finally {
    index.close();
  }
}
