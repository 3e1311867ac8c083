/**
 * What casync's blob indexes may hold beyond our own: chunks cut by content, digests of another
 * kind, and flags without a meaning for blobs. Source: casync's `src/caformat.h`, `src/caindex.c`.
 */
import type { DigestAlgorithm } from './digest-algorithm.ts';
import {
  decodeEnd,
  type Defect,
  differs,
  ENTRY_BYTES,
  HEADER_BYTES,
  INDEX_TYPE,
  TABLE_SIZE_UNKNOWN,
  TABLE_TYPE,
  toWords,
} from './index-format.ts';
import { MAX_CHUNK_BYTES } from './shape.ts';

const SHA512_256 = 0x2000000000000000n;

/** What archives leave out (files, submounts, nodump): casync sets them for blobs too, in vain. */
const EXCLUSIONS = 0x1000000000000000n | 0x4000000000000000n | 0x8000000000000000n;

/** What archives keep of files: owners, times, attributes, up to CA_FORMAT_WITH_QUOTA_PROJID. */
const ARCHIVE_FLAGS = 0x1ffffffffn;

/** Bytes of a chunk: `min` holds for all but the last one. All the same where chunks are fixed. */
export interface ChunkBytes {
  readonly min: number;
  readonly avg: number;
  readonly max: number;
}

interface BlobHead {
  readonly algorithm: DigestAlgorithm;
  readonly chunkBytes: ChunkBytes;
}

/** What the head of an index tells of its chunks, or what is wrong with it. */
export function decodeBlobHead(head: Buffer): BlobHead | { readonly defect: string } {
  const [size, type, flags = 0n, min = 0n, avg = 0n, max = 0n, tableSize, tableType] =
    toWords(head);
  const defect =
    differs('header size', size, BigInt(HEADER_BYTES)) ??
    differs('header type', type, INDEX_TYPE) ??
    flagsDefect(flags) ??
    boundsDefect(min, avg, max) ??
    differs('table size', tableSize, TABLE_SIZE_UNKNOWN) ??
    differs('table type', tableType, TABLE_TYPE);
  if (defect !== undefined) return { defect };
  return {
    algorithm: (flags & SHA512_256) === 0n ? 'sha256' : 'sha512-256',
    chunkBytes: { min: Number(min), avg: Number(avg), max: Number(max) },
  };
}

/** A chunk of an image as its index names it. */
export interface IndexedChunk {
  /** Where it begins in the image. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** A view into what was read at once: copy it to keep it alone for long. */
  readonly digest: Buffer;
  readonly algorithm: DigestAlgorithm;
}

/** Consecutive entries of an index as they are on disk. */
export interface EntryRun {
  readonly entries: Buffer;
  /** Position of the first one. */
  readonly first: number;
  /** Where its chunk begins in the image. */
  readonly start: number;
}

/** What is wrong with the end offsets of `run` in an index of `chunkCount` chunks. */
export function blobEntriesDefect(run: EntryRun, chunkCount: number, bytes: ChunkBytes): Defect {
  let start = run.start;
  for (let at = 0; at < run.entries.length; at += ENTRY_BYTES) {
    const position = run.first + at / ENTRY_BYTES;
    const end = decodeEnd(run.entries, at);
    const least = position === chunkCount - 1 ? 1 : bytes.min;
    if (!(end - start >= least && end - start <= bytes.max)) {
      return (
        `found chunk ${position} to go from byte ${start} to byte ${end}, ` +
        `wanted ${least} to ${bytes.max} B`
      );
    }
    start = end;
  }
  return undefined;
}

/** The chunks of `run`, whose end offsets were checked. */
export function toChunks(run: EntryRun, algorithm: DigestAlgorithm): IndexedChunk[] {
  const chunks: IndexedChunk[] = [];
  let offset = run.start;
  for (let at = 0; at < run.entries.length; at += ENTRY_BYTES) {
    const end = decodeEnd(run.entries, at);
    const digest = run.entries.subarray(at + 8, at + ENTRY_BYTES);
    chunks.push({ offset, lengthBytes: end - offset, digest, algorithm });
    offset = end;
  }
  return chunks;
}

/** Whether the byte at `offset` is in a chunk of `run`. */
export function covers(run: EntryRun, offset: number): boolean {
  const end = decodeEnd(run.entries, run.entries.length - ENTRY_BYTES);
  return run.start <= offset && offset < end;
}

/** The position of the chunk that has the byte at `offset`, which `run` covers. */
export function positionIn(run: EntryRun, offset: number): number {
  const last = run.entries.length / ENTRY_BYTES - 1;
  return run.first + lowest(last, (at) => decodeEnd(run.entries, at * ENTRY_BYTES) > offset);
}

/** The lowest number from 0 to `last` that `holds`, if all above it do; else `last`. */
export function lowest(last: number, holds: (place: number) => boolean): number {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function flagsDefect(flags: bigint): Defect {
  const archive = flags & ARCHIVE_FLAGS;
  if (archive !== 0n) {
    return (
      `found the feature flags 0x${archive.toString(16)} of an archive of files (.caidx), ` +
      'wanted the index of one file (.caibx)'
    );
  }
  const unknown = flags & ~(SHA512_256 | EXCLUSIONS);
  return unknown === 0n ? undefined : `found unknown feature flags 0x${unknown.toString(16)}`;
}

function boundsDefect(min: bigint, avg: bigint, max: bigint): Defect {
  if (max > MAX_CHUNK_BYTES) {
    // casync's own limit is 128 MiB.
    return (
      `found chunks of up to ${max} B, wanted at most ${MAX_CHUNK_BYTES} B (16 MiB): ` +
      'make the index anew with a smaller --chunk-size'
    );
  }
  if (min >= 1n && min <= avg && avg <= max) return undefined;
  return (
    `found a least, an average and a largest chunk of ${min}, ${avg} and ${max} B, ` +
    'wanted 1 B or more, ascending'
  );
}
