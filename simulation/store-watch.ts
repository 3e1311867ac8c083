import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { TARGET } from './cluster.ts';
import type { Disk, DiskNode, FileNode } from './machine/disk.ts';
import type { TrueImage } from './rules.ts';

const SNAPSHOTS = `${TARGET}/snapshots`;
const CHUNKS = `${TARGET}/store.castr`;
const CHUNK_NAME = /\/([0-9a-f]{4})\/(\1[0-9a-f]{60})\.cacnk$/;
const INDEX_NAME = /^\/[^/]+\/([^/]+)\/([^./][^/]*)\.caibx$/;

/**
 * What a store holds, by docs/formats.md and the bytes on its disk; no code of the store is asked.
 */
export interface StoreWatch {
  /** Whether a snapshot of any run has the image, and would have it after a loss of power. */
  isSafe(image: TrueImage): boolean;
  /**
   * What is wrong with chunks and indexes that have their final names, now or after a loss of power:
   * with the one at `path`, or with all.
   */
  defects(path?: string): readonly string[];
  /** Whether a run's manifest tells of an image, and would after a loss of power. */
  isNoted(run: string, image: TrueImage): boolean;
}

interface NotedImage {
  readonly node: string;
  readonly path: string;
  readonly indexSha256: string;
}

/** An image as a store should have it. */
interface Wanted {
  readonly index: Buffer;
  readonly chunks: readonly string[];
}

export function createStoreWatch(
  disk: Disk,
  images: readonly TrueImage[],
  chunkSizeBytes: number,
): StoreWatch {
  const wanted = new Map(images.map((image) => [image.id, wantedOf(image.bytes, chunkSizeBytes)]));
  const digests = digestsOfChunks();

  function isChunk(file: FileNode, bytes: Buffer, digest: string): boolean {
    return digests.of(file, bytes) === digest;
  }
  function hasChunk(digest: string): boolean {
    const path = `${CHUNKS}/${digest.slice(0, 4)}/${digest}.cacnk`;
    const now = disk.find(path);
    if (now?.kind !== 'file' || !isChunk(now, now.content, digest)) return false;
    return [...disk.outcomesAt(path)].every(
      (node) => isSettled(node) && isChunk(node, node.durable, digest),
    );
  }
  function isWhole(path: string, { index, chunks }: Wanted, mayGo: boolean): boolean {
    const now = disk.find(path);
    if (now?.kind !== 'file' || !now.content.equals(index)) return false;
    const outcomes = [...disk.outcomesAt(path)].filter((node) => node !== undefined || !mayGo);
    const isDurable = outcomes.every((node) => isSettled(node) && node.durable.equals(index));
    return isDurable && chunks.every(hasChunk);
  }
  function defectOf(path: string): string | undefined {
    const digest = CHUNK_NAME.exec(path)?.[2];
    if (digest !== undefined) return hasWholeChunk(path, digest) ? undefined : `${path} is damaged`;
    const [, node, file] = INDEX_NAME.exec(path.slice(SNAPSHOTS.length)) ?? [];
    if (!path.startsWith(SNAPSHOTS) || node === undefined) return undefined;
    const image = images.find((it) => it.node === node && basename(it.path) === file);
    const whole = image && wanted.get(image.id);
    if (whole === undefined) return `${path} is there, and there is no such image`;
    return isWhole(path, whole, true) ? undefined : `${path} is there, and not complete`;
  }
  /** A chunk's name may go in a loss of power; what it names may not be anything else. */
  function hasWholeChunk(path: string, digest: string): boolean {
    const now = disk.find(path);
    if (now?.kind !== 'file' || !isChunk(now, now.content, digest)) return false;
    return [...disk.outcomesAt(path)].every(
      (node) => node === undefined || (isSettled(node) && isChunk(node, node.durable, digest)),
    );
  }
  return {
    isSafe(image) {
      const whole = wanted.get(image.id);
      const runs = disk.find(SNAPSHOTS);
      if (whole === undefined || runs?.kind !== 'directory') return false;
      const name = `${image.node}/${basename(image.path)}.caibx`;
      return [...runs.entries.keys()].some((run) =>
        isWhole(`${SNAPSHOTS}/${run}/${name}`, whole, false),
      );
    },
    isNoted(run, { id, node, path }) {
      const file = disk.findDurable(`${SNAPSHOTS}/${run}/manifest.json`);
      const index = wanted.get(id)?.index ?? Buffer.alloc(0);
      if (!isSettled(file)) return false;
      const { images: noted } = JSON.parse(file.durable.toString()) as { images: NotedImage[] };
      const found = noted.find((it) => it.node === node && it.path === path);
      return found?.indexSha256 === sha256(index).toString('hex');
    },
    defects(path) {
      const paths =
        path === undefined ? [...filesBelow(disk, SNAPSHOTS), ...filesBelow(disk, CHUNKS)] : [path];
      return paths.map(defectOf).filter((defect) => defect !== undefined);
    },
  };
}

/** Digests of chunks in files, each computed once. */
function digestsOfChunks(): { of(file: FileNode, packed: Buffer): string } {
  const known = new WeakMap<FileNode, { readonly packed: Buffer; readonly digest: string }>();
  return {
    of(file, packed) {
      const before = known.get(file);
      if (before?.packed.equals(packed) === true) return before.digest;
      const digest = digestIn(packed);
      known.set(file, { packed: Buffer.from(packed), digest });
      return digest;
    },
  };
}

function digestIn(packed: Buffer): string {
  try {
    return sha256(zstdDecompressSync(packed)).toString('hex');
  } catch {
    return 'none';
  }
}

/** The index of an image, byte by byte, and the digests of its chunks. */
function wantedOf(bytes: Buffer, chunkSizeBytes: number): Wanted {
  const size = BigInt(chunkSizeBytes);
  const unknown = 0xffffffffffffffffn;
  const pieces = [
    words(48n, 0x96824d9c7b129ff9n, 0n, size, size, size, unknown, 0xe75b9e112f17417dn),
  ];
  const chunks: string[] = [];
  for (let from = 0; from < bytes.length; from += chunkSizeBytes) {
    const to = Math.min(from + chunkSizeBytes, bytes.length);
    const digest = sha256(bytes.subarray(from, to));
    pieces.push(words(BigInt(to)), digest);
    chunks.push(digest.toString('hex'));
  }
  pieces.push(words(0n, 0n, 48n, BigInt(56 + 40 * chunks.length), 0x4b4f050e5549ecd1n));
  return { index: Buffer.concat(pieces), chunks };
}

function words(...values: readonly bigint[]): Buffer {
  return Buffer.from(BigUint64Array.from(values).buffer);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** A file all of which is durable. */
function isSettled(node: DiskNode | undefined): node is FileNode {
  return node?.kind === 'file' && node.pending.length === 0;
}

function filesBelow(disk: Disk, path: string): string[] {
  const node = disk.find(path);
  if (node === undefined) return [];
  if (node.kind === 'file') return [path];
  return [...node.entries.keys()].flatMap((name) => filesBelow(disk, `${path}/${name}`));
}
