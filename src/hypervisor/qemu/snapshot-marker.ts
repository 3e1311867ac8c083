import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { randomUUID } from 'node:crypto';
import { replaceFile, syncDirectory } from '../../content/durable.ts';
import type { Machine } from './machine.ts';

/** Lies beside the files of a snapshot that is complete. */
const MARKER = '.kgetplus-snapshot.json';

const marker = z.object({ id: z.string() });

/** Whether `directory` holds the snapshot that the machine's bitmaps began at, whole. */
export function holdsLatest({ places }: Machine, directory: string): boolean {
  const known = readId(places.snapshot);
  return known !== undefined && readId(join(directory, MARKER)) === known;
}

/** Whether the bitmaps of a machine tell what was written since a snapshot. */
export function hasLatest({ places }: Machine): boolean {
  return readId(places.snapshot) !== undefined;
}

/** From now on the files are those of no snapshot. */
export async function dropMarker({ places }: Machine, directory: string): Promise<void> {
  rmSync(places.snapshot, { force: true });
  rmSync(join(directory, MARKER), { force: true });
  await syncDirectory(directory);
}

/** The files are complete and synced, and what is dirty from now on counts from them. */
export async function setMarker({ places }: Machine, directory: string): Promise<void> {
  const text = `${JSON.stringify({ id: randomUUID() })}\n`;
  await replaceFile(join(directory, MARKER), text);
  await replaceFile(places.snapshot, text);
}

function readId(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return marker.parse(JSON.parse(readFileSync(path, 'utf8'))).id;
  } catch {
    return undefined;
  }
}
