import { KgetError, toFailure } from '../base/error.ts';
import { type BlobIndex, openBlobIndex } from '../content/blob-index.ts';
import { pause } from '../content/pause.ts';
import type { Snapshot } from './catalogue.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import {
  createLedger,
  type LedgerEntry,
  type SnapshotShape,
  type SnapshotSizes,
  type UsedFiles,
} from './size-ledger.ts';
import type { ChunkLookup } from './size-lookup.ts';
import type { UniqueFiles } from './size-usage.ts';
import { zeroTeller } from '../content/zero-chunks.ts';

export type { SnapshotSizes } from './size-ledger.ts';

/** Chunk files that are kept track of: 1 GiB of memory; 16 TiB in chunks of 128 KiB. */
const MAX_ORDINALS = 2 ** 27;

export interface MeasureOptions {
  /** The table of the store's chunks. */
  readonly chunks: ChunkLookup;
  /** Whether a chunk that the table does not have is there all the same; it has no size then. */
  readonly isThere?: (digest: Buffer) => boolean;
  /** By what else than by snapshot chunks are told to be unique: by run unless given. */
  readonly groupOf?: (snapshot: Snapshot) => string;
  readonly signal?: AbortSignal;
}

/** Sizes of all snapshots of a store, by id; why there are none where an index is not usable. */
export interface StoreSizes {
  readonly snapshots: ReadonlyMap<string, SnapshotSizes>;
  readonly failures: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, UniqueFiles>;
  readonly used: UsedFiles;
}

/**
 * What snapshots take, and what of it no other one has, in one pass through all indexes. Must be
 * given all snapshots of the store, the oldest first. Memory: 8 bytes for each record of the chunk
 * table, up to 64 MiB to remember lookups, and some hundred bytes a snapshot.
 * @throws KgetError `cancelled`, and `no-room` if the store has too many chunks to keep track of
 */
export async function measureSnapshots(
  snapshots: readonly Snapshot[],
  options: MeasureOptions,
): Promise<StoreSizes> {
  const { chunks, isThere = () => false, groupOf = ({ run }) => run, signal } = options;
  if (chunks.ordinals > MAX_ORDINALS) throw tooMany(chunks.ordinals);
  const ledger = createLedger(chunks, isThere);
  const groups = new Map<string, number>();
  const shapes = new Map<string, { readonly number: number; readonly shape: SnapshotShape }>();
  const failures = new Map<string, string>();
  for (const [number, snapshot] of snapshots.entries()) {
    const name = groupOf(snapshot);
    const group = groups.get(name) ?? groups.size;
    groups.set(name, group);
    try {
      const shape = await enterSnapshot(snapshot, ledger.enter(number, group), signal);
      shapes.set(snapshot.id, { number, shape });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      failures.set(snapshot.id, toFailure(error).message);
    }
  }
  return {
    snapshots: new Map(
      Array.from(shapes, ([id, { number, shape }]) => [
        id,
        { ...shape, ...ledger.sizesOf(number) },
      ]),
    ),
    failures,
    groups: new Map(Array.from(groups, ([name, group]) => [name, ledger.uniqueToGroup(group)])),
    used: ledger.used,
  };
}

/** What the index of a snapshot says. @throws KgetError `source-unreadable`, `corrupt` */
export async function readShape(snapshot: Snapshot): Promise<SnapshotShape> {
  const index = await openBlobIndex(snapshot.indexPath);
  index.close();
  return shapeOf(index);
}

async function enterSnapshot(
  { indexPath }: Snapshot,
  entry: LedgerEntry,
  signal: AbortSignal | undefined,
): Promise<SnapshotShape> {
  const index = await openBlobIndex(indexPath);
  try {
    const isZero = zeroTeller(index);
    const zeroLengths = new Set<number>();
    for (const batch of chunkBatches(index)) {
      for (const chunk of batch) {
        const { digest, lengthBytes } = chunk;
        if (isZero(chunk)) {
          // An image may be mostly zeros: of each of their two lengths one is looked up.
          entry.addZeros(digest, lengthBytes, zeroLengths.has(lengthBytes));
          zeroLengths.add(lengthBytes);
        } else entry.addData(digest, lengthBytes);
      }
      await pause();
      if (signal?.aborted === true) throw new KgetError('cancelled', 'Measuring was stopped');
    }
    return shapeOf(index);
  } finally {
    index.close();
  }
}

function shapeOf(index: BlobIndex): SnapshotShape {
  const { sizeBytes, chunkCount, algorithm, isFixed, chunkBytes } = index;
  return { sizeBytes, chunkCount, algorithm, isFixed, chunkBytes };
}

function tooMany(ordinals: number): KgetError {
  return new KgetError(
    'no-room',
    `Cannot tell what each snapshot takes: found ${ordinals} chunks in the store, wanted at most ` +
      `${MAX_ORDINALS} to keep track of; ls --fast does without`,
  );
}
