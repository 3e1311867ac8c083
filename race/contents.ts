import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { zstdCompressSync, constants } from 'node:zlib';

import type { ImagesRecord } from './record.ts';

/** As Kget+ cuts images and compresses chunks by default. */
const CHUNK_BYTES = 128 * 1024;
const ZSTD_LEVEL = 1;

/** What the images hold, each different chunk counted once: what has to cross a link at least. */
export async function measureContents(
  paths: readonly string[],
): Promise<Omit<ImagesRecord, 'description'>> {
  const zeros = Buffer.alloc(CHUNK_BYTES);
  const seen = new Set<string>();
  const sum = { logicalBytes: 0, dataBytes: 0, uniqueCompressedBytes: 0, largestBytes: 0 };
  for (const path of paths) {
    let imageBytes = 0;
    for await (const chunk of chunksOf(path)) {
      imageBytes += chunk.length;
      if (chunk.equals(zeros.subarray(0, chunk.length))) continue;
      sum.dataBytes += chunk.length;
      const digest = createHash('sha256').update(chunk).digest('base64');
      if (seen.has(digest)) continue;
      seen.add(digest);
      sum.uniqueCompressedBytes += Math.min(chunk.length, compressed(chunk).length);
    }
    sum.logicalBytes += imageBytes;
    sum.largestBytes = Math.max(sum.largestBytes, imageBytes);
  }
  return sum;
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  await using file = await open(path);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let offset = 0; ; offset += CHUNK_BYTES) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function compressed(chunk: Buffer): Buffer {
  return zstdCompressSync(chunk, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } });
}
