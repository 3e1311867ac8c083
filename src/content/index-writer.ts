import { closeSync, constants, openSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { syncData } from './durable.ts';
import { writeFully } from './file-bytes.ts';
import { DIGEST_BYTES, type ImageShape } from './image.ts';
import { readDigests } from './index-entries.ts';
import { encodeEntry, encodeHead, encodeTail, ENTRY_BYTES, entryOffset } from './index-format.ts';
import { assertShape, chunkCountOf } from './shape.ts';

/** Entries that are gathered before they are written: 160 KiB. */
const BUFFERED_ENTRIES = 4096;

/**
 * Writes an index file (`.caibx`) from the first chunk to the last. Its errors are the system's.
 */
export interface IndexWriter {
  /** How many chunks have been appended. */
  count(): number;
  /** Appends the digests of the next chunks, packed. */
  append(digests: Buffer): void;
  /** Digests appended before, packed. */
  read(first: number, count: number): Buffer;
  /**
   * Ends the index and makes its bytes durable; every chunk must have been appended. `close` it
   * then.
   */
  finish(): Promise<void>;
  /** Closes the file, ended or not. Idempotent. */
  close(): void;
}

/** Begins the index file of an image at `path`, in place of an older one. */
export function createIndexWriter(path: string, shape: ImageShape): IndexWriter {
  assertShape(shape);
  const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  const bufferedMost = Math.min(BUFFERED_ENTRIES, chunkCountOf(shape));
  const buffer = Buffer.allocUnsafe(bufferedMost * ENTRY_BYTES);
  let buffered = 0;
  let written = 0;
  let open = true;
  writeFully(fd, encodeHead(shape.chunkSizeBytes), 0);

  function flush(): void {
    writeFully(fd, buffer.subarray(0, buffered * ENTRY_BYTES), entryOffset(written));
    written += buffered;
    buffered = 0;
  }
  return {
    count: () => written + buffered,
    append(digests) {
      assert(digests.length % DIGEST_BYTES === 0, `digests of ${digests.length} B`);
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        const position = written + buffered;
        assert(position < chunkCountOf(shape), `chunk ${position} is beyond the image`);
        const digest = digests.subarray(at, at + DIGEST_BYTES);
        encodeEntry(buffer, buffered * ENTRY_BYTES, { shape, position, digest });
        buffered += 1;
        if (buffered === bufferedMost) flush();
      }
    },
    read(first, count) {
      assert(first >= 0 && first + count <= written + buffered, `chunk ${first} is not known`);
      if (first + count > written) flush();
      const digests = readDigests(fd, first, count);
      assert(digests !== undefined, `index ${path} was cut short`);
      return digests;
    },
    async finish() {
      flush();
      assert(written === chunkCountOf(shape), `index ended after ${written} chunks`);
      writeFully(fd, encodeTail(written), entryOffset(written));
      await syncData(fd);
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
