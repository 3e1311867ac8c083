import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import { openBlobIndex } from '../content/blob-index.ts';
import { makeDirectory, replaceFile } from '../content/durable.ts';
import { storeFailure } from '../content/room.ts';
import { restoreImage } from '../restore/restore-image.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import { IMAGE_MANIFEST_NAME, type ImagePart, serialiseImageManifest } from './image-manifest.ts';
import type { StoredImage } from './images.ts';
import { partFault } from './verify-images.ts';

/** What a path is the name of a disk by; all others are directories. */
const DISK_FORMATS: Readonly<Record<string, 'raw' | 'qcow2'>> = {
  '.qcow2': 'qcow2',
  '.img': 'raw',
  '.raw': 'raw',
};

export interface ImageExport {
  /** A directory for all parts and `image.json`; or a file `*.qcow2`, `*.img`, `*.raw`: the disk. */
  readonly to: string;
  /** Replace files that are there and are others. */
  readonly force: boolean;
  readonly chunks: ChunkReader;
  readonly signal: AbortSignal;
  onBegin?(path: string, sizeBytes: number): void;
  onProgress?(doneBytes: number): void;
}

export interface ExportedFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Writes the parts of an image as they were stored: every byte verified, each file under its name
 * only when it is complete. In a directory `image.json` comes last. What an earlier try has left is
 * used.
 * @throws KgetError as `restoreImage`; `usage` for a disk of another format than its name says
 */
export async function exportImage(
  stored: StoredImage,
  options: ImageExport,
): Promise<readonly ExportedFile[]> {
  const { image } = stored;
  const to = resolve(options.to);
  const format = diskFormatOf(options.to);
  if (format === undefined) return exportAll(stored, { ...options, to });
  if (format !== image.format) {
    throw new KgetError(
      'usage',
      `Cannot make ${to} of image ${image.name}: its disk is a ${image.format} file; call it ` +
        `*.${image.format === 'raw' ? 'img' : 'qcow2'}, or convert it then with qemu-img`,
    );
  }
  const disks = image.parts.filter(({ role }) => role === 'disk');
  const files: ExportedFile[] = [];
  for (const disk of disks) files.push(await exportPart(stored, disk, { ...options, to }));
  return files;
}

/** Which format a path says its disk has; undefined if it is a directory. */
function diskFormatOf(to: string): 'raw' | 'qcow2' | undefined {
  if (to.endsWith('/') || statSync(to, { throwIfNoEntry: false })?.isDirectory() === true) {
    return undefined;
  }
  return DISK_FORMATS[extname(to).toLowerCase()];
}

async function exportAll(
  stored: StoredImage,
  options: ImageExport,
): Promise<readonly ExportedFile[]> {
  const { schema: _, ...fields } = stored.image;
  const text = serialiseImageManifest(fields);
  const file = join(options.to, IMAGE_MANIFEST_NAME);
  const title = `image ${stored.image.name}`;
  makeWay(file, { text, title, force: options.force });
  const files: ExportedFile[] = [];
  for (const part of stored.image.parts) {
    const path = join(options.to, part.name);
    files.push(await exportPart(stored, part, { ...options, to: path }));
  }
  try {
    await makeDirectory(options.to);
    await replaceFile(file, text);
  } catch (error) {
    throw storeFailure(error, { title, directory: options.to, neededBytes: text.length });
  }
  return [...files, { path: file, sizeBytes: Buffer.byteLength(text) }];
}

/** Of another image nothing is replaced unless asked for; then it goes first: it has no parts soon. */
function makeWay(
  file: string,
  {
    text,
    title,
    force,
  }: { readonly text: string; readonly title: string; readonly force: boolean },
): void {
  if (!existsSync(file) || readFileSync(file, 'utf8') === text) return;
  if (force) {
    rmSync(file);
    return;
  }
  throw new KgetError(
    'usage',
    `Cannot export ${title}: ${file} is of another image; name another directory, or replace it ` +
      'with --force',
  );
}

async function exportPart(
  stored: StoredImage,
  part: ImagePart,
  options: ImageExport,
): Promise<ExportedFile> {
  const { to, force, chunks, signal, onProgress } = options;
  const fault = await partFault(stored, part);
  if (fault !== undefined) throw new KgetError('corrupt', `Cannot export ${part.name}: ${fault}`);
  const index = await openBlobIndex(stored.indexPathOf(part));
  try {
    options.onBegin?.(to, index.sizeBytes);
    const title = `${part.name} of image ${stored.image.name}`;
    const target = { path: to, title, force, seeds: [] };
    await restoreImage({ ...target, index, chunks, signal, onProgress: (it) => onProgress?.(it) });
    return { path: to, sizeBytes: index.sizeBytes };
  } finally {
    index.close();
  }
}
