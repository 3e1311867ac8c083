import * as zlib from 'node:zlib';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import { type DigestAlgorithm, digestBy } from './digest-algorithm.ts';
import { hasZstd } from './zstd.ts';

/** A chunk as it should be when it is unpacked. */
interface WantedChunk {
  readonly digest: Buffer;
  readonly algorithm: DigestAlgorithm;
  readonly lengthBytes: number;
}

/** How a chunk's file begins. Sources: RFC 8878, 3.1.1; RFC 1952, 2.3.1; xz-file-format.txt, 2.1.1.1 */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/**
 * The largest window that a zstd frame may ask for, as a power of two: 8 MiB, what RFC 8878,
 * 3.1.1.1.2, recommends decoders to support. Frames of larger chunks may ask for as much as these.
 */
const WINDOW_LOG = 23;

/** zlib's least. */
const MIN_BUFFER_BYTES = 64;

/**
 * The plain bytes of a chunk's file in a casync store, decompressed and hashed: exactly those that
 * `chunk` asks for. Takes at most its length, and the window of a zstd
 * frame (up to 8 MiB, or the chunk's length). `title` names the chunk in errors.
 * @throws KgetError `corrupt` if it is damaged, too short or too long, or compressed in no known
 * way; `source-unreadable` if this Node.js cannot decompress it
 */
export function unpackChunk(
  packed: Uint8Array,
  chunk: WantedChunk,
  title = `chunk ${chunk.digest.toString('hex')}`,
): Buffer {
  assert(Number.isSafeInteger(chunk.lengthBytes), `chunk of ${chunk.lengthBytes} B`);
  if (chunk.lengthBytes < 1) {
    throw unusable(title, `found it wanted with ${chunk.lengthBytes} B, wanted 1 B or more`);
  }
  const plain = decompress(packed, chunk.lengthBytes, title);
  if (plain.length !== chunk.lengthBytes) {
    throw unusable(title, `found ${plain.length} B, wanted ${chunk.lengthBytes} B`);
  }
  const digest = digestBy(chunk.algorithm, plain);
  if (digest.equals(chunk.digest)) return plain;
  const [found, wanted] = [digest.toString('hex'), chunk.digest.toString('hex')];
  throw unusable(title, `found bytes with the digest ${found}, wanted ${wanted}`);
}

function decompress(packed: Uint8Array, lengthBytes: number, title: string): Buffer {
  const limits = {
    maxOutputLength: lengthBytes,
    // One byte more than wanted: the end of the frame is seen without a second buffer.
    chunkSize: Math.max(lengthBytes + 1, MIN_BUFFER_BYTES),
  };
  const decompressor = chooseDecompressor(packed, title);
  try {
    return decompressor(packed, limits);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new KgetError(
      'corrupt',
      `Cannot decompress ${title}: wanted ${lengthBytes} B from ${packed.length} B: ${found}`,
      { cause },
    );
  }
}

interface Limits {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}

type Decompressor = (packed: Uint8Array, limits: Limits) => Buffer;

function chooseDecompressor(packed: Uint8Array, title: string): Decompressor {
  if (isZstdFrame(packed)) {
    if (hasZstd) return decompressZstd;
    throw unreadable(title, 'zstd', `found Node.js ${process.version}: use 22.15 or newer`);
  }
  if (beginsWith(packed, GZIP_MAGIC)) return zlib.gunzipSync;
  if (beginsWith(packed, XZ_MAGIC)) {
    throw unreadable(title, 'xz', 'make its store anew with casync --compression=zstd');
  }
  const found = Buffer.from(packed.subarray(0, 4)).toString('hex');
  const start = packed.length === 0 ? 'found nothing in its file' : `found it begin with ${found}`;
  throw unusable(title, `${start}, wanted zstd (28b52ffd) or gzip (1f8b)`);
}

function decompressZstd(packed: Uint8Array, limits: Limits): Buffer {
  const windowLog = Math.max(WINDOW_LOG, Math.ceil(Math.log2(limits.maxOutputLength)));
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: windowLog };
  return zlib.zstdDecompressSync(packed, { ...limits, params });
}

/** Whether the file of a chunk is compressed as ours are. */
export function isZstdFrame(packed: Uint8Array): boolean {
  return beginsWith(packed, ZSTD_MAGIC);
}

function beginsWith(bytes: Uint8Array, magic: Buffer): boolean {
  return magic.equals(bytes.subarray(0, magic.length));
}

function unusable(title: string, defect: string): KgetError {
  return new KgetError('corrupt', `Cannot use ${title}: ${defect}`);
}

function unreadable(title: string, format: string, advice: string): KgetError {
  return new KgetError(
    'source-unreadable',
    `Cannot read ${title}: found it compressed by ${format}, which this Node.js cannot ` +
      `decompress: ${advice}`,
  );
}
