import { createHash } from 'node:crypto';
import { zeroDigests } from './digest.ts';
import { DIGEST_BYTES, type ImageShape } from './image.ts';
import { chunkLengthAt } from './shape.ts';

/** What both ends of a copy must find alike. */
export interface ImageSummary {
  /** Bytes of chunks that are not all zero. */
  readonly dataBytes: number;
  /** SHA-256 over the digests of all chunks in order, hexadecimal. */
  readonly imageDigest: string;
}

/** Sums up an image from its digests as they come. */
export interface Summarizer {
  /** Takes the digests of the next chunks, packed. */
  append(digests: Buffer): void;
  dataBytes(): number;
  /** Ends the summary. */
  finish(): ImageSummary;
}

export function createSummarizer(shape: ImageShape): Summarizer {
  const zeros = zeroDigests(shape);
  const hash = createHash('sha256');
  let next = 0;
  let dataBytes = 0;
  return {
    append(digests) {
      hash.update(digests);
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        const zero = zeros.at(next).equals(digests.subarray(at, at + DIGEST_BYTES));
        if (!zero) dataBytes += chunkLengthAt(shape, next);
        next += 1;
      }
    },
    dataBytes: () => dataBytes,
    finish: () => ({ dataBytes, imageDigest: hash.digest('hex') }),
  };
}
