/** Machine images that the tests begin with: files that look like ones, and stores for them. */
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/base/system-clock.ts';
import type { ImageSource } from '../../src/machine-image/image-source.ts';
import { IMAGE_CHUNK_BYTES } from '../../src/machine-image/new-run.ts';
import { type StoreImageOptions, storeImage } from '../../src/machine-image/store-image.ts';
import { type StorePlace, storePlace } from '../../src/store/store-place.ts';
import { temporaryDirectory } from '../content/fixtures.ts';

const STARTED = new Date('2026-01-31T12:00:00Z');

/** A raw disk of one chunk per letter, the first of which has a boot sector. */
export function drawDisk(letters: string): Buffer {
  const disk = Buffer.alloc(letters.length * IMAGE_CHUNK_BYTES);
  for (const [place, letter] of letters.split('').entries()) {
    const from = place * IMAGE_CHUNK_BYTES;
    if (letter !== '.') disk.fill(letter, from, from + IMAGE_CHUNK_BYTES);
  }
  disk.writeUInt16BE(0x55aa, 510);
  return disk;
}

export interface SampleImages {
  readonly root: string;
  readonly place: StorePlace;
  /** Writes a raw disk; returns its path. */
  disk(name: string, letters: string): string;
  source(letters: string, changes?: Partial<ImageSource>): ImageSource;
  /** Stores such an image as `NAME:latest`. */
  store(
    letters: string,
    changes?: Partial<ImageSource>,
    options?: Partial<StoreImageOptions>,
  ): ReturnType<typeof storeImage>;
  /** Files of chunks in the store. */
  chunks(): readonly string[];
  /** What is in `snapshots/`, hidden names, too. */
  runs(): readonly string[];
}

/** An empty directory for a store, gone after the test. */
export function sampleImages(t: TestContext): SampleImages {
  const root = temporaryDirectory(t);
  const place = storePlace(join(root, 'store'));
  let runs = 0;
  const images: SampleImages = {
    root,
    place,
    disk(name, letters) {
      const path = join(root, name);
      writeFileSync(path, drawDisk(letters));
      return path;
    },
    source: (letters, changes = {}) => ({
      name: 'tiny',
      arch: 'x86_64',
      format: 'raw',
      virtualSizeBytes: letters.length * IMAGE_CHUNK_BYTES,
      boot: { kind: 'disk' },
      hasJobRunner: false,
      recipe: null,
      parts: [{ role: 'disk', path: images.disk(`${letters}.img`, letters) }],
      ...changes,
    }),
    store(letters, changes, options) {
      const source = images.source(letters, changes);
      runs += 1;
      return storeImage({
        place,
        source,
        tags: [{ name: source.name, tag: 'latest' }],
        run: `20260131T120000Z-00000${runs}`,
        startedAt: STARTED,
        command: ['image', 'test'],
        signal: new AbortController().signal,
        clock: systemClock,
        ...options,
      });
    },
    chunks: () => globSync('*/*.cacnk', { cwd: place.chunks }),
    runs: () => globSync('{*,.*}', { cwd: place.snapshots }).filter((name) => name !== '.'),
  };
  return images;
}

/** A kernel image's parts: files with the headers that tell what they are. */
export function kernelSource(images: SampleImages, letters: string): Partial<ImageSource> {
  const kernel = join(images.root, 'vmlinuz');
  const head = Buffer.alloc(200_000, 'kernel');
  head.write('HdrS', 0x202);
  writeFileSync(kernel, head);
  const initramfs = join(images.root, 'initramfs');
  writeFileSync(initramfs, Buffer.alloc(70_000, 'initramfs'));
  return {
    boot: { kind: 'kernel', commandLine: 'console=ttyS0' },
    recipe: 'name: tiny\n',
    hasJobRunner: true,
    parts: [
      { role: 'disk', path: images.disk(`${letters}.img`, letters) },
      { role: 'kernel', path: kernel },
      { role: 'initramfs', path: initramfs },
    ],
  };
}
