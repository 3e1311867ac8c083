/** Streams of a sender that packs chunks as ours never does, and as any decompressor takes them. */
import { constants, zstdCompressSync } from 'node:zlib';
import { decompressUpTo } from '../src/content/zstd.ts';
import { Encoding, FrameType, HEADER_BYTES } from '../src/transfer/frame.ts';
import { CHUNK_BYTES } from '../test/transfer/memory.ts';
import { framesOf } from './transfer-recording.ts';

/** A frame that decompressors pass over. Source: RFC 8878, 3.1.2 */
const SKIPPED = Buffer.from('502a4d1804000000abababab', 'hex');

const PACKERS: readonly ((plain: Buffer) => Buffer)[] = [
  (plain) => Buffer.concat([SKIPPED, zstdCompressSync(plain)]),
  (plain) => Buffer.concat([zstdCompressSync(plain), SKIPPED]),
  (plain) =>
    Buffer.concat([
      zstdCompressSync(plain.subarray(0, 999)),
      zstdCompressSync(plain.subarray(999)),
    ]),
  (plain) => zstdCompressSync(plain, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } }),
  (plain) => zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
];

/** The stream with its compressed chunks packed in each odd way. */
export function oddlyPacked(stream: Buffer): Buffer[] {
  return PACKERS.map((pack) =>
    Buffer.concat(
      framesOf(stream).map((frame) => {
        if (frame[4] !== FrameType.chunk || frame[5] !== Encoding.zstd) return frame;
        const packed = pack(decompressUpTo(frame.subarray(HEADER_BYTES), CHUNK_BYTES));
        const changed = Buffer.concat([frame.subarray(0, HEADER_BYTES), packed]);
        changed.writeUInt32LE(packed.length);
        return changed;
      }),
    ),
  );
}
