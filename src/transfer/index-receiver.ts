import { KgetError } from '../base/error.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { decodeDigestRuns } from './digest-runs.ts';
import { INDEX_BATCH, INDEX_BATCHES_AHEAD } from './limits.ts';

/** Digests that follow each other, packed. */
interface DigestBatch {
  readonly first: number;
  readonly digests: Buffer;
}

/** Which digests were asked for, have come, and are settled. */
export interface IndexReceiver {
  /** The next request, if it is time for one. */
  nextAsk(): { readonly first: number; readonly count: number } | undefined;
  /** Digests have come. @throws KgetError `protocol` if they are not the ones that are due */
  arrive(first: number, runs: Buffer): void;
  /** The next digests to be settled; call `settled` afterwards. */
  nextBatch(): DigestBatch | undefined;
  settled(batch: DigestBatch): void;
  /** Whether digests that were asked for have not come. */
  isOwed(): boolean;
  isSettled(): boolean;
}

/**
 * Keeps so many requests ahead of what is settled: neither the link nor the landing waits for the
 * other.
 */
export function indexReceiver(chunkCount: number): IndexReceiver {
  const batches: DigestBatch[] = [];
  let askedChunks = 0;
  let arrivedChunks = 0;
  let settledChunks = 0;

  return {
    nextAsk: () => {
      const first = askedChunks;
      const isEarly = first - settledChunks > INDEX_BATCH * (INDEX_BATCHES_AHEAD - 1);
      if (isEarly || first === chunkCount) return undefined;
      const count = Math.min(INDEX_BATCH, chunkCount - first);
      askedChunks += count;
      return { first, count };
    },
    arrive: (first, runs) => {
      if (first !== arrivedChunks) {
        throw new KgetError(
          'protocol',
          `Cannot take digests from ${first} on: the next one due is ${arrivedChunks}`,
        );
      }
      const digests = decodeDigestRuns(runs, askedChunks - arrivedChunks);
      arrivedChunks += digests.length / DIGEST_BYTES;
      batches.push({ first, digests });
    },
    nextBatch: () => batches.shift(),
    settled: ({ digests }) => {
      settledChunks += digests.length / DIGEST_BYTES;
    },
    isOwed: () => arrivedChunks < askedChunks,
    isSettled: () => settledChunks === chunkCount,
  };
}
