import { KgetError } from '../base/error.ts';
import { DIGEST_BYTES } from '../content/image.ts';

/** A digest and how often it is repeated: u32 little-endian, then the digest. */
export const DIGEST_RUN_BYTES = 4 + DIGEST_BYTES;

/** Packed digests, with neighbours that are equal (zeros, mostly) written once. */
export function encodeDigestRuns(digests: Buffer): Buffer {
  const count = digests.length / DIGEST_BYTES;
  const starts: number[] = [];
  for (let first = 0; first < count; first = endOfRun(digests, first)) starts.push(first);
  const runs = Buffer.allocUnsafe(starts.length * DIGEST_RUN_BYTES);
  for (const [run, first] of starts.entries()) {
    const at = run * DIGEST_RUN_BYTES;
    runs.writeUInt32LE((starts[run + 1] ?? count) - first, at);
    digests.copy(runs, at + 4, first * DIGEST_BYTES, (first + 1) * DIGEST_BYTES);
  }
  return runs;
}

function endOfRun(digests: Buffer, first: number): number {
  const start = first * DIGEST_BYTES;
  let next = start + DIGEST_BYTES;
  while (
    next < digests.length &&
    digests.compare(digests, start, start + DIGEST_BYTES, next, next + DIGEST_BYTES) === 0
  ) {
    next += DIGEST_BYTES;
  }
  return next / DIGEST_BYTES;
}

/**
 * The packed digests that `runs` stand for, in a buffer of its own.
 * @throws KgetError `protocol` if the runs are malformed or stand for none or more than
 * `maxDigests`
 */
export function decodeDigestRuns(runs: Buffer, maxDigests: number): Buffer {
  if (runs.length % DIGEST_RUN_BYTES !== 0) {
    throw new KgetError(
      'protocol',
      `Cannot read digests: ${runs.length} B are not whole runs of ${DIGEST_RUN_BYTES} B`,
    );
  }
  let count = 0;
  for (let at = 0; at < runs.length; at += DIGEST_RUN_BYTES) {
    const repeat = runs.readUInt32LE(at);
    count += repeat;
    if (repeat === 0 || count > maxDigests) {
      throw new KgetError(
        'protocol',
        `Cannot read digests: a run of ${repeat}, ${count} in all, at most ${maxDigests} are due`,
      );
    }
  }
  if (count === 0) throw new KgetError('protocol', 'Cannot read digests: the frame has none');
  const digests = Buffer.allocUnsafe(count * DIGEST_BYTES);
  let filled = 0;
  for (let at = 0; at < runs.length; at += DIGEST_RUN_BYTES) {
    const digest = runs.subarray(at + 4, at + DIGEST_RUN_BYTES);
    const next = filled + runs.readUInt32LE(at) * DIGEST_BYTES;
    digests.fill(digest, filled, next);
    filled = next;
  }
  return digests;
}
