import { closeSync, openSync, readSync } from 'node:fs';
import { KgetError, systemCode } from '../base/error.ts';
import { FRAME_HEAD_BYTES, plainBytesOf } from '../content/zstd-frame.ts';
import { readChunkFile } from './chunk-files.ts';

/**
 * Whether the file of a chunk is there, and says that the chunk has so many plain bytes. One that
 * does not say how many, as casync writes them, is unpacked and verified.
 * @throws Error the system's
 */
export function holdsPlainBytes(file: string, digest: Buffer, lengthBytes: number): boolean {
  const head = headOf(file);
  if (head === undefined) return false;
  const plainBytes = plainBytesOf(head);
  if (plainBytes !== undefined) return plainBytes === lengthBytes;
  try {
    readChunkFile(file, { digest, algorithm: 'sha256', lengthBytes });
    return true;
  } catch (error) {
    if (error instanceof KgetError || systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The first bytes of a file; undefined if there is none. */
function headOf(file: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
    return head.subarray(0, readSync(fd, head, 0, FRAME_HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}
