import { type BigIntStats, fstatSync, openSync, statSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import { readPieces } from '../content/file-bytes.ts';

/**
 * What makes a file the one that was looked at: its inode, its length, and when it was last
 * written.
 */
export interface FileIdentity {
  readonly path: string;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  readonly device: bigint;
  readonly inode: bigint;
  readonly modifiedNs: bigint;
}

/** Looks at the file at `path` now. @throws KgetError `source-unreadable` */
export function identify(path: string): FileIdentity {
  try {
    return identityOf(path, statSync(path, { bigint: true }));
  } catch (error) {
    throw readFailure(path, error);
  }
}

/** Opens a file for reading. @throws KgetError `source-unreadable` */
export function openSource(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw readFailure(path, error);
  }
}

/**
 * Fills the pieces one after the other with the bytes of an open source from `offset` on.
 * @throws KgetError `source-unreadable`; `source-changed` if the file ends before
 */
export function readSource(
  source: { readonly fd: number; readonly path: string },
  pieces: readonly Uint8Array[],
  offset: number,
): void {
  const wanted = pieces.reduce((sum, piece) => sum + piece.length, 0);
  let found: number;
  try {
    found = readPieces(source.fd, pieces, offset);
  } catch (error) {
    throw readFailure(source.path, error);
  }
  if (found === wanted) return;
  throw new KgetError(
    'source-changed',
    `Cannot read ${source.path}: found its end at byte ${offset + found}, ` +
      `wanted ${wanted} B from byte ${offset}`,
  );
}

/**
 * Confirms that both the open file and the one that its path names now are the one looked at
 * before.
 * @throws KgetError `source-changed`
 */
export function confirmIdentity(fd: number, wanted: FileIdentity): void {
  for (const found of [fdIdentity(fd, wanted.path), pathIdentity(wanted.path)]) {
    const difference = differenceOf(found, wanted);
    if (difference === undefined) continue;
    throw new KgetError(
      'source-changed',
      `Cannot use ${wanted.path}: it changed since it was looked at: ${difference}`,
    );
  }
}

/** True if both are looks at the same file, and it was not written in between. */
export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  return differenceOf(one, other) === undefined;
}

function differenceOf(found: FileIdentity | undefined, wanted: FileIdentity): string | undefined {
  if (found === undefined) return 'found no file, wanted the same file';
  if (found.inode !== wanted.inode || found.device !== wanted.device) {
    return `found inode ${found.inode}, wanted ${wanted.inode}`;
  }
  if (found.sizeBytes !== wanted.sizeBytes) {
    return `found ${found.sizeBytes} B, wanted ${wanted.sizeBytes} B`;
  }
  if (found.modifiedNs === wanted.modifiedNs) return undefined;
  return `found it written at ${timeOf(found.modifiedNs)}, wanted ${timeOf(wanted.modifiedNs)}`;
}

function fdIdentity(fd: number, path: string): FileIdentity {
  return identityOf(path, fstatSync(fd, { bigint: true }));
}

function pathIdentity(path: string): FileIdentity | undefined {
  try {
    return identify(path);
  } catch {
    return undefined;
  }
}

function identityOf(path: string, stat: BigIntStats): FileIdentity {
  return {
    path,
    sizeBytes: Number(stat.size),
    allocatedBytes: Number(stat.blocks) * 512,
    device: stat.dev,
    inode: stat.ino,
    modifiedNs: stat.mtimeNs,
  };
}

function timeOf(nanoseconds: bigint): string {
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString();
}

/** `source-unreadable`, for an error of the operating system. */
export function readFailure(path: string, error: unknown): KgetError {
  const found = error instanceof Error ? error.message : String(error);
  return new KgetError('source-unreadable', `Cannot read ${path}: ${found}`, { cause: error });
}
