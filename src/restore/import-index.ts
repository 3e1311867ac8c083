import { compressAside } from '../content/zstd.ts';
import { closeSync, copyFileSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { type IndexedChunk, openBlobIndex } from '../content/blob-index.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { partPathOf } from '../content/part-file.ts';
import { unpackChunk } from '../content/unpack-chunk.ts';
import { stopped } from './fill-part.ts';
import { chunksOf } from './image-stream.ts';
import { inOrder } from './in-order.ts';
import type { ImportOptions } from './import-options.ts';
import { publishIndex } from '../store/publish-index.ts';

/** What compression may add to a chunk that does not shrink. */
const MAX_OVERHEAD_BYTES = 64 * 1024;

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export interface IndexImport extends ImportOptions {
  /** The index (`.caibx`) of an image in another casync store. */
  readonly path: string;
  /** The directory of that store: `<4 hex>/<64 hex>.cacnk`. */
  readonly from: string;
  /** For chunks that are not zstd frames. */
  readonly level: number;
}

/**
 * Takes an image over from another store of casync or desync: the chunks that ours does not have,
 * each verified, then the index as it is. Chunks keep their names, also those by SHA-512/256.
 * @throws KgetError `corrupt`, `source-unreadable`, `cancelled`; Error the system's, for the store
 */
export async function importIndex(options: IndexImport): Promise<void> {
  const { path, writer, indexPath } = options;
  const index = await openBlobIndex(path);
  const part = partPathOf(indexPath);
  try {
    options.onBegin?.(index.sizeBytes);
    let doneBytes = 0;
    for await (const lengthBytes of inOrder(chunksOf(index), (it) => takeOver(options, it))) {
      await writer.ready();
      options.onProgress?.((doneBytes += lengthBytes));
    }
    mkdirSync(dirname(indexPath), { recursive: true });
    copyFileSync(path, part);
    const fd = openSync(part, 'r');
    fsyncSync(fd);
    closeSync(fd);
    await publishIndex({ ...options, partPath: part });
  } finally {
    index.close();
    rmSync(part, { force: true });
  }
}

async function takeOver(options: IndexImport, chunk: IndexedChunk): Promise<number> {
  const { writer, from, signal, path, level } = options;
  const { digest, lengthBytes } = chunk;
  if (signal.aborted) throw stopped(`index ${path}`);
  if (writer.has(digest)) return lengthBytes;
  const file = chunkFileOf(from, digest);
  const frame = await readFrame(file, chunk);
  const plain = unpackChunk(frame, chunk, file);
  const isZstd = frame.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC);
  writer.put(digest, isZstd ? frame : await compressAside(plain, level));
  return lengthBytes;
}

async function readFrame(file: string, { lengthBytes }: IndexedChunk): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    if (size > lengthBytes + MAX_OVERHEAD_BYTES) {
      const sizes = `found ${size} B, wanted ${lengthBytes} B compressed`;
      throw new KgetError('corrupt', `Cannot use chunk ${file}: ${sizes}`);
    }
    return await handle.readFile();
  } catch (cause) {
    if (cause instanceof KgetError) throw cause;
    const isMissing = systemCode(cause) === 'ENOENT';
    const found = isMissing ? 'it is missing' : toFailure(cause).message;
    const code = isMissing ? 'corrupt' : 'source-unreadable';
    throw new KgetError(code, `Cannot read chunk ${file}: ${found}`, { cause });
  }
}
