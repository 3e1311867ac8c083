import type { ImagePlace } from './image-place.ts';

/**
 * A place where images end: what has landed needs no further record, is not served to others, and
 * stays.
 */
export function targetPlace(
  place: Pick<ImagePlace, 'directory' | 'level' | 'land' | 'close'>,
): ImagePlace {
  return {
    ...place,
    record: () => Promise.resolve(),
    kept: () => [],
    drop: () => {},
    empty: () => {},
  };
}
