import { createReadStream, existsSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { Snapshot } from '../catalogue/catalogue.ts';
import { type BlobIndex, openBlobIndex } from '../content/blob-index.ts';
import { syncDirectory } from '../content/durable.ts';
import { partPathOf } from '../content/part-file.ts';
import { storeFailure } from '../content/room.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import { diskName, formatOf, type ImageFormat } from './image-format.ts';
import { imageStream } from './image-stream.ts';
import { writeContainerDisk } from './oci-layout.ts';
import { convertImage } from './qemu-img.ts';
import { restoreImage } from './restore-image.ts';
import { lockPath, takeTarget } from './target-file.ts';

export const EXPORT_FORMATS = ['raw', 'qcow2', 'oci'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  readonly format: ExportFormat;
  /** The final path of the file, or of the directory (`oci`). */
  readonly path: string;
  /** Compress the clusters of a qcow2 file. */
  readonly compress: boolean;
  readonly force: boolean;
  readonly chunks: ChunkReader;
  /** As Go names it: `amd64`, … */
  readonly architecture: string;
  readonly signal: AbortSignal;
  onBegin?(sizeBytes: number): void;
  onProgress?(doneBytes: number): void;
}

/**
 * Writes a snapshot to `path` as other programs want it; under its name only when it is complete.
 * @throws KgetError as `restoreImage`; `usage` also if qemu-img is wanted and missing, or if the
 * image is a qcow2 file that needs others
 */
export async function exportSnapshot(snapshot: Snapshot, options: ExportOptions): Promise<void> {
  const index = await openBlobIndex(snapshot.indexPath);
  const work = { ...options, index, snapshot, title: `snapshot ${snapshot.id}` };
  try {
    options.onBegin?.(index.sizeBytes);
    switch (options.format) {
      case 'raw':
        await restoreImage({ ...work, seeds: [] });
        return;
      case 'qcow2':
        await exportQcow2(work);
        return;
      case 'oci':
        await exportOci(work);
        return;
    }
  } finally {
    index.close();
  }
}

interface Work extends ExportOptions {
  readonly snapshot: Snapshot;
  readonly index: BlobIndex;
  readonly title: string;
}

/** An image that is a qcow2 file already is one by itself. */
async function exportQcow2(work: Work): Promise<void> {
  const format = await formatOf(work.snapshot.name, work);
  if (format === 'qcow2' && !work.compress) {
    await restoreImage({ ...work, seeds: [] });
    return;
  }
  const target = await takeTarget(work);
  try {
    await convertTo(target.partPath, format, work);
    await target.publish();
  } finally {
    target.release();
  }
}

async function exportOci(work: Work): Promise<void> {
  const { path, title, snapshot } = work;
  const part = partPathOf(path);
  const converted = `${part}-disk`;
  confirmLayout(work);
  const format = await formatOf(work.snapshot.name, work);
  const release = await lockPath(path, title);
  try {
    if (work.compress) await convertTo(converted, format, work);
    rmSync(part, { recursive: true, force: true });
    await mkdir(part, { mode: 0o755 });
    await writeContainerDisk(part, {
      name: diskName(snapshot.name, work.compress ? 'qcow2' : format),
      sizeBytes: work.compress ? statSync(converted).size : work.index.sizeBytes,
      bytes: counted(work.compress ? createReadStream(converted) : imageStream(work), work),
      architecture: work.architecture,
      createdAt: snapshot.takenAt,
      reference: 'latest',
    });
    confirmLayout(work);
    replaceDirectory(part, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw storeFailure(error, { title, directory: dirname(path), neededBytes: 0 });
  } finally {
    rmSync(converted, { force: true });
    // What is streamed cannot be continued.
    rmSync(part, { recursive: true, force: true });
    release();
  }
}

/** Makes a synced qcow2 file at `to`, by way of the image itself beside it. */
async function convertTo(to: string, fromFormat: ImageFormat, work: Work): Promise<void> {
  const whole = join(dirname(work.path), `.${basename(work.path)}.kgetplus-raw`);
  await restoreImage({ ...work, path: whole, force: true, seeds: [] });
  try {
    rmSync(to, { force: true });
    await convertImage({ ...work, from: whole, fromFormat, to });
    await using file = await open(to, 'r');
    await file.sync();
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  } finally {
    rmSync(whole, { force: true });
  }
}

async function* counted(
  source: AsyncIterable<Buffer>,
  { onProgress }: Work,
): AsyncGenerator<Buffer, void, void> {
  let doneBytes = 0;
  for await (const bytes of source) {
    doneBytes += bytes.length;
    onProgress?.(doneBytes);
    yield bytes;
  }
}

/** Confirms that nothing is there, or an image layout that is to be replaced. */
function confirmLayout({ path, title, force }: Work): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  const isLayout = existsSync(join(path, 'oci-layout'));
  if (force && isLayout) return;
  const advice = isLayout
    ? 'there is an image already; name another directory, or replace it with --force'
    : 'there is something else already; name another directory';
  throw new KgetError('usage', `Cannot make ${path} of ${title}: ${advice}`);
}

/** There is no way to swap two directories: for a moment there is none. */
function replaceDirectory(from: string, to: string): void {
  const old = `${from}-old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(to)) renameSync(to, old);
  renameSync(from, to);
  rmSync(old, { recursive: true, force: true });
}
