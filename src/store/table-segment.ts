import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { readFully } from '../content/file-bytes.ts';
import {
  decodeHeader,
  decodeTail,
  type Defect,
  HEADER_BYTES,
  recordOffset,
  type SegmentHeader,
  tailBytes,
} from './table-format.ts';
import { compareDigests, LEADING_BITS, leadingBits, RECORD_BYTES } from './table-record.ts';

/** Records that one read of a lookup takes: what fits into 4 KiB. */
const WINDOW_RECORDS = Math.floor(4096 / RECORD_BYTES);

/** Where a digest was found. */
interface SegmentHit {
  /** The place of the record in its segment, from 0 on. */
  readonly position: number;
  readonly packedBytes: number;
}

/**
 * A segment of the chunk table: a file that never changes. Its errors are the system's, and
 * KgetError `corrupt` if the file was cut short since it was opened.
 */
export interface TableSegment {
  readonly path: string;
  /** How many records it has. */
  readonly count: number;
  find(digest: Buffer): SegmentHit | undefined;
  /** Fills `into` with the records from `first` on; all of them must be there. */
  read(first: number, into: Uint8Array): void;
  /** Closes the file. Idempotent. */
  close(): void;
}

/** Opens the segment at `path`, or tells why it is none. Throws nothing. */
export function openSegment(path: string): TableSegment | Defect {
  let fd: number | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const checked = check(fd);
    if (!('defect' in checked)) return tableSegment({ path, fd, ...checked });
    closeSync(fd);
    return checked;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    return { defect: error instanceof Error ? error.message : String(error) };
  }
}

interface Checked extends SegmentHeader {
  /** How many records have first bits up to each bucket's. */
  readonly fanOut: Uint32Array;
}

function check(fd: number): Checked | Defect {
  const stat = fstatSync(fd);
  if (!stat.isFile()) return { defect: 'found something else than a regular file' };
  const header = readPiece(fd, 0, HEADER_BYTES);
  const decoded = decodeHeader(header, stat.size);
  if ('defect' in decoded) return decoded;
  const { count, fanOutBits } = decoded;
  const tail = decodeTail(header, readPiece(fd, recordOffset(count), tailBytes(fanOutBits)));
  return 'defect' in tail ? tail : { ...decoded, fanOut: tail.fanOut };
}

/** What the file has of the wanted bytes. */
function readPiece(fd: number, offset: number, length: number): Buffer {
  const piece = Buffer.allocUnsafe(length);
  return piece.subarray(0, readFully(fd, piece, { offset, length }));
}

function tableSegment(
  opened: Checked & { readonly path: string; readonly fd: number },
): TableSegment {
  const { path, fd, count, fanOut, fanOutBits } = opened;
  const window = Buffer.allocUnsafe(WINDOW_RECORDS * RECORD_BYTES);
  let open = true;

  function load(first: number, records: number, into: Uint8Array): void {
    assert(open, 'the segment is closed');
    const range = { offset: recordOffset(first), length: records * RECORD_BYTES };
    if (readFully(fd, into, range) < range.length) {
      throw new KgetError('corrupt', `Cannot read ${path}: found it cut short while it was in use`);
    }
  }
  return {
    path,
    count,
    find(digest) {
      const scaled = leadingBits(digest, 0) / 2 ** (LEADING_BITS - fanOutBits);
      const bucket = Math.floor(scaled);
      let low = bucket === 0 ? 0 : (fanOut[bucket - 1] ?? 0);
      let high = fanOut[bucket] ?? 0;
      // Digests are evenly spread: the record is near the place that the next bits tell.
      let middle = low + Math.floor((scaled - bucket) * (high - low));
      for (let reads = 1; low < high; reads += 1) {
        const from = Math.min(middle - (WINDOW_RECORDS >>> 1), high - WINDOW_RECORDS);
        const first = Math.max(low, from);
        const records = Math.min(WINDOW_RECORDS, high - first);
        load(first, records, window);
        if (compareDigests(digest, 0, window, 0) < 0) {
          high = first;
          middle = first;
        } else if (compareDigests(digest, 0, window, (records - 1) * RECORD_BYTES) > 0) {
          low = first + records;
          middle = low;
        } else return searchIn(window, { digest, first, records });
        // The neighbour comes second; digests that are not evenly spread are bisected then.
        if (reads > 1) middle = Math.floor((low + high) / 2);
      }
      return undefined;
    },
    read(first, into) {
      load(first, into.length / RECORD_BYTES, into);
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** Looks among the `records` in the window, of which the first one is at the position `first`. */
function searchIn(
  window: Buffer,
  wanted: { readonly digest: Buffer; readonly first: number; readonly records: number },
): SegmentHit | undefined {
  const { digest, first, records } = wanted;
  let low = 0;
  let high = records;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * RECORD_BYTES;
    const order = compareDigests(digest, 0, window, at);
    if (order === 0) {
      return { position: first + middle, packedBytes: window.readUInt32LE(at + DIGEST_BYTES) };
    }
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return undefined;
}
