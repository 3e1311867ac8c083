import type { BlobIndex } from '../content/blob-index.ts';
import type { DigestAlgorithm } from '../content/digest-algorithm.ts';
import { type ChunkLookup, rememberingLookup } from './size-lookup.ts';
import { createUsage, type UniqueFiles } from './size-usage.ts';

/** What the index of a snapshot says by itself. */
export interface SnapshotShape {
  readonly sizeBytes: number;
  readonly chunkCount: number;
  readonly algorithm: DigestAlgorithm;
  readonly isFixed: boolean;
  readonly chunkBytes: BlobIndex['chunkBytes'];
}

/**
 * What a snapshot takes in its store. Zeros are counted by themselves; `distinct` and `new` have
 * plain bytes of all other chunks, each once, `stored` bytes of their files, those of zeros too.
 */
export interface SnapshotSizes extends SnapshotShape, UniqueFiles {
  readonly zeroChunks: number;
  readonly zeroBytes: number;
  readonly distinctChunks: number;
  readonly distinctBytes: number;
  readonly storedBytes: number;
  /** Of chunks that no snapshot had that came before. */
  readonly newChunks: number;
  readonly newBytes: number;
  readonly newStoredBytes: number;
  /** Chunks other than zeros that have no file, each as often as the image has it. */
  readonly missingChunks: number;
  readonly missingBytes: number;
}

type Counts = {
  -readonly [Field in keyof Omit<SnapshotSizes, keyof SnapshotShape | keyof UniqueFiles>]: number;
};

/** Takes in the chunks of one snapshot. */
export interface LedgerEntry {
  addData(digest: Buffer, lengthBytes: number): void;
  /** `isRepeated`: zeros of this length came before, so that their file is counted. */
  addZeros(digest: Buffer, lengthBytes: number, isRepeated: boolean): void;
}

/** Files that snapshots use. */
export interface UsedFiles {
  readonly chunks: number;
  /** Without zeros. */
  readonly plainBytes: number;
  readonly storedBytes: number;
}

/** Who uses what in a store. Snapshots and groups are numbered from 0 on. */
export interface Ledger {
  /** Snapshots follow each other: an entry is not used any more when the next is made. */
  enter(snapshot: number, group: number): LedgerEntry;
  /** To be asked at the end: what is unique is known then. */
  sizesOf(snapshot: number): Omit<SnapshotSizes, keyof SnapshotShape>;
  uniqueToGroup(group: number): UniqueFiles;
  readonly used: UsedFiles;
}

export function createLedger(chunks: ChunkLookup, isThere: (digest: Buffer) => boolean): Ledger {
  const lookup = rememberingLookup(chunks);
  const bySnapshot = createUsage(chunks.ordinals);
  const byGroup = createUsage(chunks.ordinals);
  const counts = new Map<number, Counts>();
  const used = { chunks: 0, plainBytes: 0, storedBytes: 0 };

  function enter(snapshot: number, group: number): LedgerEntry {
    const own = noCounts();
    counts.set(snapshot, own);

    function useFile(digest: Buffer, plainBytes: number): void {
      const hit = lookup.find(digest);
      if (hit === undefined) {
        // Zeros can be restored without a file.
        if (plainBytes === 0 || isThere(digest)) return;
        own.missingChunks += 1;
        own.missingBytes += plainBytes;
        return;
      }
      const { ordinal, packedBytes } = hit;
      byGroup.use(ordinal, group, packedBytes);
      const before = bySnapshot.use(ordinal, snapshot, packedBytes);
      if (before === 'again') return;
      own.distinctChunks += 1;
      own.distinctBytes += plainBytes;
      own.storedBytes += packedBytes;
      if (before === 'known') return;
      own.newChunks += 1;
      own.newBytes += plainBytes;
      own.newStoredBytes += packedBytes;
      used.chunks += 1;
      used.plainBytes += plainBytes;
      used.storedBytes += packedBytes;
    }
    return {
      addData: useFile,
      addZeros(digest, lengthBytes, isRepeated) {
        own.zeroChunks += 1;
        own.zeroBytes += lengthBytes;
        if (!isRepeated) useFile(digest, 0);
      },
    };
  }
  return {
    enter,
    sizesOf: (snapshot) => ({
      ...(counts.get(snapshot) ?? noCounts()),
      ...bySnapshot.uniqueTo(snapshot),
    }),
    uniqueToGroup: (group) => byGroup.uniqueTo(group),
    used,
  };
}

function noCounts(): Counts {
  return {
    zeroChunks: 0,
    zeroBytes: 0,
    distinctChunks: 0,
    distinctBytes: 0,
    storedBytes: 0,
    newChunks: 0,
    newBytes: 0,
    newStoredBytes: 0,
    missingChunks: 0,
    missingBytes: 0,
  };
}
