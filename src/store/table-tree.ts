/** The chunks in the tree of a store: `ROOT/<first 4 hex of digest>/<64 hex>.cacnk`. */
import { type Dir, lstatSync, opendirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { digestOfChunkFile } from '../content/chunk-name.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { MAX_PACKED_BYTES, RECORD_BYTES } from './table-record.ts';

const PREFIX = /^[0-9a-f]{4}$/;

/** Chunks below one prefix; no store has as many. */
const MAX_CHUNKS = 1_000_000;

/** Names that are read at a time. */
const LISTED_NAMES = 1024;

/** Names of the prefix directories, ascending. @throws KgetError `source-unreadable` */
export function listPrefixes(root: string): readonly string[] {
  try {
    return readdirSync(root)
      .filter((name) => PREFIX.test(name))
      .sort();
  } catch (error) {
    throw unreadable(root, error);
  }
}

/**
 * Records of the chunks below one prefix, packed, in no order; none if it is gone or no directory.
 * Other names, empty files and those that are no files are passed over, and so are chunks beyond
 * `MAX_CHUNKS`. Calls of the system that wait are much dearer than those that do not, for as many
 * directories as a store has: the caller pauses between them.
 * @param knownBytes the size of a chunk's file, if it need not be asked for
 * @throws KgetError `source-unreadable`
 */
export function readPrefix(
  root: string,
  prefix: string,
  knownBytes: (digest: Buffer) => number | undefined,
): Buffer {
  const directory = join(root, prefix);
  const records: Buffer[] = [];
  try {
    for (const digest of chunksIn(directory, prefix)) {
      const packedBytes = knownBytes(digest) ?? sizeOf(directory, digest);
      const isChunk = packedBytes > 0 && packedBytes <= MAX_PACKED_BYTES;
      if (isChunk) records.push(recordOf(digest, packedBytes));
      if (records.length === MAX_CHUNKS) break;
    }
  } catch (error) {
    if (!isAbsence(error)) throw unreadable(directory, error);
  }
  return Buffer.concat(records);
}

/** Digests of the chunks that belong into a directory and are there. */
function* chunksIn(directory: string, prefix: string): Generator<Buffer, void, void> {
  const listing = opendirSync(directory, { bufferSize: LISTED_NAMES });
  try {
    for (const entry of entriesOf(listing)) {
      const digest = entry.name.startsWith(prefix) ? digestOfChunkFile(entry.name) : undefined;
      if (digest !== undefined && entry.isFile()) yield digest;
    }
  } finally {
    listing.closeSync();
  }
}

function* entriesOf(listing: Dir) {
  for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) yield entry;
}

/** Bytes of a chunk's file; 0 if it is gone. */
function sizeOf(directory: string, digest: Buffer): number {
  const path = join(directory, `${digest.toString('hex')}.cacnk`);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat.size : 0;
}

function recordOf(digest: Buffer, packedBytes: number): Buffer {
  const record = Buffer.allocUnsafe(RECORD_BYTES);
  digest.copy(record);
  record.writeUInt32LE(packedBytes, DIGEST_BYTES);
  return record;
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
