import type { Catalogue } from '../catalogue/catalogue.ts';
import { openBlobIndex } from '../content/blob-index.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import { pause } from '../content/pause.ts';
import type { FoundBad } from './bad-chunk.ts';

/** Of one chunk: snapshots that are named, and places where it may be found. */
const MAX_NAMED = 8;
const MAX_PLACES = 8;

/** Where an image has a chunk. */
interface ChunkPlace {
  readonly node: string;
  /** Where the image was on its node; undefined if nothing tells. */
  readonly path: string | undefined;
  readonly offset: number;
  /** The chunk size of the image, if it has fixed chunks. */
  readonly chunkSizeBytes: number | undefined;
}

/** A bad chunk and who needs it. */
export interface HurtChunk extends FoundBad {
  readonly snapshots: readonly string[];
  readonly snapshotCount: number;
  readonly places: readonly ChunkPlace[];
}

/** Which snapshots need the bad chunks, of all that there are; by digest in hexadecimal. */
export async function hurtSnapshots(
  { runs }: Catalogue,
  bad: ReadonlyMap<string, FoundBad>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, HurtChunk>> {
  const hurt = new Map(
    Array.from(bad, ([hex, found]) => {
      const snapshots: string[] = [];
      const places: ChunkPlace[] = [];
      return [hex, { ...found, snapshots, snapshotCount: 0, lastId: '', places }];
    }),
  );
  if (bad.size === 0) return hurt;
  for (const { id, indexPath, node, image } of runs.flatMap(({ snapshots }) => snapshots)) {
    // What cannot be opened was told of already, if it was asked for.
    const index = await openBlobIndex(indexPath).catch(() => undefined);
    if (index === undefined) continue;
    const chunkSizeBytes = index.isFixed ? index.chunkBytes.max : undefined;
    try {
      for (const chunks of chunkBatches(index)) {
        await pause();
        if (signal.aborted) return hurt;
        for (const { digest, offset } of chunks) {
          const chunk = hurt.get(digest.toString('hex'));
          if (chunk === undefined) continue;
          if (chunk.places.length < MAX_PLACES) {
            chunk.places.push({ node, path: image?.path, offset, chunkSizeBytes });
          }
          if (chunk.lastId === id) continue;
          chunk.lastId = id;
          chunk.snapshotCount += 1;
          if (chunk.snapshots.length < MAX_NAMED) chunk.snapshots.push(id);
        }
      }
    } finally {
      index.close();
    }
  }
  return hurt;
}
