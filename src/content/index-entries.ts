import { readFully } from './file-bytes.ts';
import { DIGEST_BYTES } from './image.ts';
import { ENTRY_BYTES, entryOffset } from './index-format.ts';

/**
 * Reads the digests of `count` chunks from `first` out of an index file, packed.
 * Returns undefined if the file ends before.
 */
export function readDigests(fd: number, first: number, count: number): Buffer | undefined {
  const entries = Buffer.allocUnsafe(count * ENTRY_BYTES);
  const offset = entryOffset(first);
  if (readFully(fd, entries, { offset, length: entries.length }) < entries.length) return undefined;
  for (let chunk = 0; chunk < count; chunk += 1) {
    const digest = chunk * ENTRY_BYTES + 8;
    entries.copy(entries, chunk * DIGEST_BYTES, digest, digest + DIGEST_BYTES);
  }
  return entries.subarray(0, count * DIGEST_BYTES);
}
