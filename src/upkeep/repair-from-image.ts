import { closeSync, fstatSync, openSync } from 'node:fs';
import { toFailure } from '../base/error.ts';
import { readFully } from '../content/file-bytes.ts';
import { pause } from '../content/pause.ts';
import type { HurtChunk } from './hurt-snapshots.ts';
import type { OfferChunk, RepairSource, WantedRepairs } from './repair.ts';

/** Chunk sizes for which a file is read from start to end. */
const MAX_SCANS = 4;

/**
 * An image file, such as an older copy: chunks are looked for where snapshots have them, then
 * everywhere, at multiples of the chunk size.
 */
export function imageSource(path: string): RepairSource {
  return {
    title: path,
    async offerTo(wanted, offer, signal) {
      let fd: number | undefined;
      try {
        fd = openSync(path, 'r');
        const file = { fd, sizeBytes: fstatSync(fd).size };
        await offerPlaces(file, wanted, { offer, signal });
        for (const sizeBytes of scanSizes(wanted)) {
          await scan(file, sizeBytes, { wanted, offer, signal });
        }
        return [];
      } catch (error) {
        return [`Cannot read ${path}: ${toFailure(error).message}`];
      } finally {
        if (fd !== undefined) closeSync(fd);
      }
    },
  };
}

interface ImageFile {
  readonly fd: number;
  readonly sizeBytes: number;
}

interface Work {
  readonly offer: OfferChunk;
  readonly signal: AbortSignal;
}

async function offerPlaces(
  file: ImageFile,
  wanted: WantedRepairs,
  { offer, signal }: Work,
): Promise<void> {
  for (const chunk of wanted.values()) {
    for (const offset of new Set(chunk.places.map((place) => place.offset))) {
      if (signal.aborted) return;
      const bytes = readAt(file, offset, chunk.lengthBytes);
      if (bytes !== undefined && (await offer(bytes, chunk))) break;
    }
  }
}

/** The sizes of fixed chunks among what is wanted, the most frequent first. */
function scanSizes(wanted: WantedRepairs): readonly number[] {
  const counts = new Map<number, number>();
  for (const { places } of wanted.values()) {
    const size = places.find(({ chunkSizeBytes }) => chunkSizeBytes !== undefined)?.chunkSizeBytes;
    if (size !== undefined) counts.set(size, (counts.get(size) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, MAX_SCANS)
    .map(([size]) => size);
}

/** Also short last chunks are found: at any multiple of the chunk size. */
async function scan(
  file: ImageFile,
  sizeBytes: number,
  { wanted, offer, signal }: Work & { readonly wanted: WantedRepairs },
): Promise<void> {
  const lengths = lengthsWithin(wanted, sizeBytes);
  for (let offset = 0; offset < file.sizeBytes; offset += sizeBytes) {
    if (signal.aborted || wanted.size === 0) return;
    for (const length of lengths) {
      const bytes = readAt(file, offset, length);
      if (bytes !== undefined) await offer(bytes);
    }
    await pause();
  }
}

/** How long the wanted chunks of images with these fixed chunks are. */
function lengthsWithin(wanted: WantedRepairs, sizeBytes: number): readonly number[] {
  const belongs = ({ places }: HurtChunk): boolean =>
    places.some(({ chunkSizeBytes }) => chunkSizeBytes === sizeBytes);
  return [...new Set([...wanted.values()].filter(belongs).map(({ lengthBytes }) => lengthBytes))];
}

/** Undefined if the file ends before. */
function readAt({ fd, sizeBytes }: ImageFile, offset: number, length: number): Buffer | undefined {
  if (offset + length > sizeBytes) return undefined;
  const bytes = Buffer.allocUnsafe(length);
  return readFully(fd, bytes, { offset, length }) === length ? bytes : undefined;
}
