/** Files and images that the tests of `content` and `source` work with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { digestOf } from '../../src/content/digest.ts';
import type { ImageShape } from '../../src/content/image.ts';
import { createIndexWriter } from '../../src/content/index-writer.ts';
import { chunkCountOf } from '../../src/content/shape.ts';

export const CHUNK = 4096;

/** A directory that is gone after the test. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An image of one chunk per letter: `.` is a zero chunk, any other letter fills its chunk. */
export function drawImage(letters: string, lastBytes = CHUNK): Buffer {
  const image = Buffer.alloc(letters.length * CHUNK);
  for (const [place, letter] of letters.split('').entries()) {
    if (letter !== '.') image.fill(letter, place * CHUNK, (place + 1) * CHUNK);
  }
  return image.subarray(0, image.length - CHUNK + lastBytes);
}

export function shapeOf(image: Buffer, chunkSizeBytes = CHUNK): ImageShape {
  return { sizeBytes: image.length, chunkSizeBytes };
}

export function chunkOf(image: Buffer, position: number): Buffer {
  return image.subarray(position * CHUNK, (position + 1) * CHUNK);
}

/** The digests of an image, packed. */
export function digestsOf(image: Buffer, chunkSizeBytes = CHUNK): Buffer {
  const shape = shapeOf(image, chunkSizeBytes);
  return Buffer.concat(
    Array.from({ length: chunkCountOf(shape) }, (_, position) =>
      digestOf(image.subarray(position * chunkSizeBytes, (position + 1) * chunkSizeBytes)),
    ),
  );
}

/** Writes the index of `image` to `path`. */
export async function writeIndex(
  path: string,
  image: Buffer,
  chunkSizeBytes = CHUNK,
): Promise<void> {
  const writer = createIndexWriter(path, shapeOf(image, chunkSizeBytes));
  writer.append(digestsOf(image, chunkSizeBytes));
  await writer.finish();
  writer.close();
}
