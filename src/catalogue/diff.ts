import { KgetError } from '../base/error.ts';
import { type BlobIndex, openBlobIndex } from '../content/blob-index.ts';
import { pause } from '../content/pause.ts';
import type { Snapshot } from './catalogue.ts';
import { type Change, diffPieces, type Extent, type Piece } from './diff-chunks.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import { zeroTeller } from '../content/zero-chunks.ts';

/** How much two snapshots differ. */
export interface DiffSummary {
  readonly extents: number;
  /** Bytes by kind of change. */
  readonly bytes: Readonly<Record<Change, number>>;
}

/** Two snapshots side by side. */
export interface SnapshotDiff {
  readonly beforeBytes: number;
  readonly afterBytes: number;
  /**
   * `chunks`: ranges are compared by the digests of chunks. `zeros`: the chunks of one were cut or
   * named in another way than the other's, so that all but zeros counts as changed.
   */
  readonly precision: 'chunks' | 'zeros';
  /**
   * The extents in order, read anew from both indexes; needs memory for some 8000 chunks.
   * @throws KgetError `cancelled` by the signal
   */
  extents(signal?: AbortSignal): AsyncGenerator<Extent, DiffSummary, void>;
  /** Closes both indexes. Idempotent. */
  close(): void;
}

/**
 * Compares two snapshots by their indexes alone: no chunk is read. A change shows as all the chunks
 * that it touches. @throws KgetError `source-unreadable`, `corrupt`
 */
export async function openDiff(before: Snapshot, after: Snapshot): Promise<SnapshotDiff> {
  const one = await openBlobIndex(before.indexPath);
  try {
    return snapshotDiff(one, await openBlobIndex(after.indexPath));
  } catch (error) {
    one.close();
    throw error;
  }
}

function snapshotDiff(one: BlobIndex, other: BlobIndex): SnapshotDiff {
  const isSameKind = one.algorithm === other.algorithm && isCutAlike(one, other);
  return {
    beforeBytes: one.sizeBytes,
    afterBytes: other.sizeBytes,
    precision: isSameKind ? 'chunks' : 'zeros',
    extents: (signal) => counted(diffPieces(pieces(one), pieces(other), { isSameKind }), signal),
    close() {
      one.close();
      other.close();
    },
  };
}

/** Fixed chunks of other sizes never lie alike; those cut by content may, whatever their bounds. */
function isCutAlike(one: BlobIndex, other: BlobIndex): boolean {
  if (!one.isFixed && !other.isFixed) return true;
  return one.isFixed === other.isFixed && one.chunkBytes.max === other.chunkBytes.max;
}

function* pieces(index: BlobIndex): Generator<Piece, void> {
  const isZero = zeroTeller(index);
  for (const batch of chunkBatches(index)) {
    for (const chunk of batch) {
      const { offset, lengthBytes, digest } = chunk;
      yield { offset, lengthBytes, digest, isZero: isZero(chunk) };
    }
  }
}

async function* counted(
  all: Iterable<Extent | undefined>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Extent, DiffSummary, void> {
  const bytes = { changed: 0, written: 0, zeroed: 0, added: 0, removed: 0 };
  let extents = 0;
  for (const extent of all) {
    if (extent === undefined) {
      await pause();
      if (signal?.aborted === true) throw new KgetError('cancelled', 'The comparison was stopped');
      continue;
    }
    extents += 1;
    bytes[extent.change] += extent.lengthBytes;
    yield extent;
  }
  return { extents, bytes };
}
