import { closeSync, copyFileSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../base/error.ts';
import { type IndexedChunk, openBlobIndex } from '../content/blob-index.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { makeDirectory } from '../content/durable.ts';
import { partPathOf } from '../content/part-file.ts';
import { isZstdFrame, unpackChunk } from '../content/unpack-chunk.ts';
import { compressAside } from '../content/zstd.ts';
import { missingChunk, readPackedChunk } from '../store/chunk-files.ts';
import { publishIndex } from '../store/publish-index.ts';
import { stopped } from './fill-part.ts';
import { chunksOf } from './image-stream.ts';
import type { ImportOptions } from './import-options.ts';
import { inOrder } from './in-order.ts';

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
    await makeDirectory(dirname(indexPath));
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
  const frame = readFrame(file, chunk);
  const plain = unpackChunk(frame, chunk, file);
  writer.put(digest, isZstdFrame(frame) ? frame : await compressAside(plain, level));
  return lengthBytes;
}

function readFrame(file: string, chunk: IndexedChunk): Buffer {
  try {
    return readPackedChunk(file, chunk);
  } catch (cause) {
    throw systemCode(cause) === 'ENOENT' ? missingChunk(file, cause) : cause;
  }
}
