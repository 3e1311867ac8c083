/** Reading and writing of pieces of files on the thread pool, at any position, in any order. */
import { read, write } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import type { ByteRange } from '../content/file-bytes.ts';
import { type DigestAlgorithm, digestBy } from '../content/digest-algorithm.ts';

const readPiece = promisify(read);
const writePiece = promisify(write);

/** From here on hashing on another thread is worth the way there and back. */
const SHARED_HASH_BYTES = 64 * 1024;

/** The bytes of a range of a file; fewer if it ends before. @throws Error the system's */
export async function readRange(fd: number, range: ByteRange): Promise<Buffer<ArrayBuffer>> {
  const into = Buffer.allocUnsafeSlow(range.length);
  let done = 0;
  while (done < range.length) {
    const { bytesRead } = await readPiece(fd, into, done, range.length - done, range.offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return into.subarray(0, done);
}

/** Writes all of `bytes` at `offset`. @throws Error the system's */
export async function writeRange(fd: number, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const left = bytes.length - done;
    const { bytesWritten } = await writePiece(fd, bytes, done, left, offset + done);
    done += bytesWritten;
  }
}

/** Whether `bytes` have this digest; long ones are hashed on the thread pool. */
export async function hasDigest(
  bytes: Buffer<ArrayBuffer>,
  wanted: { readonly digest: Buffer; readonly algorithm: DigestAlgorithm },
): Promise<boolean> {
  const { digest, algorithm } = wanted;
  if (algorithm === 'sha256' && bytes.length >= SHARED_HASH_BYTES) {
    return digest.equals(Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)));
  }
  return digestBy(algorithm, bytes).equals(digest);
}
