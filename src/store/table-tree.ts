/** The chunks in the tree of a store: `ROOT/<first 4 hex of digest>/<64 hex>.cacnk`. */
import { lstat, opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { type Additions, createAdditions, MAX_ADDITIONS } from './table-additions.ts';
import { MAX_PACKED_BYTES } from './table-record.ts';

const PREFIX = /^[0-9a-f]{4}$/;
const CHUNK_NAME = /^([0-9a-f]{64})\.cacnk$/;

/** Files whose size is asked for at once: a network file system answers many together. */
const MAX_STATS = 32;

/** Names that are read at a time. */
const LISTED_NAMES = 1024;

/** Names of the prefix directories, ascending. @throws KgetError `source-unreadable` */
export async function listPrefixes(root: string): Promise<readonly string[]> {
  try {
    return (await readdir(root)).filter((name) => PREFIX.test(name)).sort();
  } catch (error) {
    throw unreadable(root, error);
  }
}

/**
 * The chunks below one prefix; none if it is gone or no directory. Other names, empty files and
 * those that are no files are passed over, and so are chunks beyond `MAX_ADDITIONS`, which no store
 * has under one prefix.
 * @param knownBytes the size of a chunk's file, if it need not be asked for
 * @throws KgetError `source-unreadable`
 */
export async function readPrefix(
  root: string,
  prefix: string,
  knownBytes: (digest: Buffer) => number | undefined,
): Promise<Additions> {
  const directory = join(root, prefix);
  const chunks = createAdditions();
  let unknown: Buffer[] = [];
  function add(digest: Buffer, packedBytes: number): void {
    const isChunk = packedBytes > 0 && packedBytes <= MAX_PACKED_BYTES;
    if (isChunk && chunks.count < MAX_ADDITIONS) chunks.add(digest, packedBytes);
  }
  async function askSizes(): Promise<void> {
    const digests = unknown;
    unknown = [];
    const sizes = await Promise.all(digests.map((digest) => sizeOf(directory, digest)));
    for (const [place, digest] of digests.entries()) add(digest, sizes[place] ?? 0);
  }
  try {
    for await (const entry of await opendir(directory, { bufferSize: LISTED_NAMES })) {
      const hex = CHUNK_NAME.exec(entry.name)?.[1];
      if (hex === undefined || !hex.startsWith(prefix) || !entry.isFile()) continue;
      const digest = Buffer.from(hex, 'hex');
      const known = knownBytes(digest);
      if (known === undefined) unknown.push(digest);
      else add(digest, known);
      if (unknown.length === MAX_STATS) await askSizes();
    }
    await askSizes();
  } catch (error) {
    if (!isAbsence(error)) throw unreadable(directory, error);
  }
  return chunks;
}

/** Bytes of a chunk's file; 0 if it is gone. */
async function sizeOf(directory: string, digest: Buffer): Promise<number> {
  try {
    const stat = await lstat(join(directory, `${digest.toString('hex')}.cacnk`));
    return stat.isFile() ? stat.size : 0;
  } catch (error) {
    if (isAbsence(error)) return 0;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
}

function unreadable(directory: string, cause: unknown): KgetError {
  const found = cause instanceof Error ? cause.message : String(cause);
  return new KgetError(
    'source-unreadable',
    `Cannot list the chunks in ${directory}: ${found}; wanted a directory of a chunk store`,
    { cause },
  );
}
