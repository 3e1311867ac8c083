/** Where a casync store keeps its chunks: `<first 4 hex>/<64 hex>.cacnk` below its directory. */
import { join } from 'node:path';

const EXTENSION = '.cacnk';
const CHUNK_FILE = /^([0-9a-f]{64})\.cacnk$/;

/** The file of the chunk with this digest (32 bytes) in the store at `root`. */
export function chunkFileOf(root: string, digest: Buffer): string {
  const name = digest.toString('hex');
  return join(root, name.slice(0, 4), `${name}${EXTENSION}`);
}

/** The digest in the name of a chunk's file, without its directory; undefined for other names. */
export function digestOfChunkFile(name: string): Buffer | undefined {
  const hex = CHUNK_FILE.exec(name)?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}
