import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, toFailure } from '../../base/error.ts';
import { IMAGE_MANIFEST_NAME, parseImageManifest } from '../image-manifest.ts';
import type { ImageSource } from '../image-source.ts';

/**
 * An image as `exportImage` wrote it to a directory, also one of another store.
 * @throws KgetError `source-unreadable`, `corrupt`, `version`
 */
export function exportedSource(directory: string): ImageSource {
  const file = join(directory, IMAGE_MANIFEST_NAME);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const found = toFailure(cause).message;
    throw new KgetError(
      'source-unreadable',
      `Cannot import ${directory}: ${found}; wanted a disk image, or a directory that image ` +
        'export has made',
      { cause },
    );
  }
  const { id, schema: _, builtAt: _builtAt, ...image } = parseImageManifest({ text, file });
  const parts = image.parts.map(({ role, name }) => {
    if (!/[/\0]/.test(name)) return { role, path: join(directory, name) };
    throw new KgetError('corrupt', `Cannot import ${file}: no file can be called "${name}"`);
  });
  return { ...image, parts, wantedId: id };
}
