import { rmSync } from 'node:fs';
import type { ImageName } from '../control/messages.ts';
import type { ImagePlace } from './image-place.ts';

/**
 * A place where images end: what has landed needs no further record, is not served to others, and
 * stays.
 */
export function targetPlace(
  place: Pick<ImagePlace, 'directory' | 'level' | 'land' | 'close'> & {
    /** The files that an image becomes. */
    filesOf(image: ImageName): readonly string[];
  },
): ImagePlace {
  const landed = new Map<string, readonly string[]>();
  return {
    ...place,
    async record(image) {
      landed.set(image.id, place.filesOf(image));
    },
    kept: () => [],
    drop(id) {
      for (const file of landed.get(id) ?? []) rmSync(file, { force: true });
      landed.delete(id);
    },
    empty: () => {},
  };
}
