import { toFailure } from '../base/error.ts';
import type { DigestAlgorithm } from '../content/digest-algorithm.ts';
import type { Snapshot } from './catalogue.ts';
import { describeIndex } from './describe-index.ts';
import type { SnapshotSummary } from './size-summary.ts';
import type { StoreMeasure } from './size-table.ts';

/** Numbers of a snapshot's chunks; null if they could not be looked up. */
interface ChunkNumbers {
  readonly count: number;
  readonly zero: number;
  readonly distinct: number | null;
  readonly unique: number | null;
  readonly algorithm: DigestAlgorithm;
  readonly isFixed: boolean;
  readonly minBytes: number;
  readonly avgBytes: number;
  readonly maxBytes: number;
}

/** All there is to know of a snapshot; null is what is not known. */
interface SnapshotDetail extends SnapshotSummary {
  readonly indexPath: string;
  /** Of the index as it is, hexadecimal. */
  readonly indexSha256: string | null;
  /** Null if the index cannot be used. */
  readonly chunks: ChunkNumbers | null;
  /** Bytes of the files of its chunks, and what crossed the frontend's link for it. */
  readonly storedBytes: number | null;
  readonly wireBytes: number | null;
  readonly wireChunks: number | null;
}

/** Reads the index once more. Throws nothing: one that is broken or was changed has a problem. */
export async function detailSnapshot(
  snapshot: Snapshot,
  summary: SnapshotSummary,
  measure: StoreMeasure,
): Promise<SnapshotDetail> {
  const { id, indexPath, image } = snapshot;
  const sizes = measure.sizes.snapshots.get(id);
  const { indexSha256, problem } = await checkIndex(snapshot);
  return {
    ...summary,
    problem: summary.problem ?? problem,
    indexPath,
    indexSha256,
    chunks: numbersOf(measure, id),
    storedBytes: measure.isWhole ? (sizes?.storedBytes ?? null) : null,
    wireBytes: image?.wireBytes ?? null,
    wireChunks: image?.chunks ?? null,
  };
}

function numbersOf({ sizes, isWhole }: StoreMeasure, id: string): ChunkNumbers | null {
  const found = sizes.snapshots.get(id);
  if (found === undefined) return null;
  const { chunkCount, zeroChunks, distinctChunks, uniqueChunks, chunkBytes } = found;
  return {
    count: chunkCount,
    zero: zeroChunks,
    distinct: isWhole ? distinctChunks : null,
    unique: isWhole ? uniqueChunks : null,
    algorithm: found.algorithm,
    isFixed: found.isFixed,
    minBytes: chunkBytes.min,
    avgBytes: chunkBytes.avg,
    maxBytes: chunkBytes.max,
  };
}

/** The digest of a snapshot's index, and whether it is the one that the run's manifest names. */
async function checkIndex({
  indexPath,
  image,
}: Snapshot): Promise<{ readonly indexSha256: string | null; readonly problem: string | null }> {
  try {
    const { indexSha256 } = await describeIndex(indexPath);
    if (image === undefined || image.indexSha256 === indexSha256) {
      return { indexSha256, problem: null };
    }
    const wanted = `wanted ${image.indexSha256}, which the run's manifest names`;
    const problem = `Index ${indexPath} was changed: found SHA-256 ${indexSha256}, ${wanted}`;
    return { indexSha256, problem };
  } catch (error) {
    return { indexSha256: null, problem: toFailure(error).message };
  }
}
