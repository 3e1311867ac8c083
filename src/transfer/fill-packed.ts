import type { ServedImage } from '../content/image.ts';
import { chunkLengthAt } from '../content/shape.ts';
import { compressAside } from '../content/zstd.ts';
import { Encoding, FrameType, HEADER_BYTES, writeHeader } from './frame.ts';

/** What has been put into a block. */
export interface Filled {
  readonly wireBytes: number;
  readonly plainBytes: number;
}

/**
 * Fills a block with chunks that are compressed all at the same time, on the thread pool; there
 * must be room for them as they are. @throws KgetError `source-unreadable`, `source-changed`
 */
export async function fillPacked(
  block: Buffer,
  chunks: {
    readonly image: ServedImage;
    readonly positions: readonly number[];
    /** The zstd level. */
    readonly level: number;
  },
): Promise<Filled> {
  const { image, positions, level } = chunks;
  const packing = positions.map(async (position) => {
    const plain = readChunk(image, position);
    return { position, plain, packed: await compressAside(plain, level) };
  });
  const filled = { wireBytes: 0, plainBytes: 0 };
  for (const chunk of await Promise.all(packing)) {
    filled.wireBytes += putChunk(block, filled.wireBytes, chunk);
    filled.plainBytes += chunk.plain.length;
  }
  return filled;
}

function readChunk(image: ServedImage, position: number): Buffer {
  const { shape } = image;
  const chunk = Buffer.allocUnsafe(chunkLengthAt(shape, position));
  image.read([chunk], position * shape.chunkSizeBytes);
  return chunk;
}

/** Puts a chunk behind its header, compressed if it shrank by that. Returns the bytes put. */
function putChunk(
  block: Buffer,
  offset: number,
  { position, plain, packed }: { position: number; plain: Buffer; packed: Buffer },
): number {
  const encoding = packed.length < plain.length ? Encoding.zstd : Encoding.raw;
  const payload = encoding === Encoding.zstd ? packed : plain;
  const payloadBytes = payload.length;
  writeHeader(block, offset, { type: FrameType.chunk, encoding, position, payloadBytes });
  block.set(payload, offset + HEADER_BYTES);
  return HEADER_BYTES + payloadBytes;
}
