import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import type { ServedImage } from '../../content/image.ts';

/** How long who asks for a file waits until this node has heard of it. */
const EXPECT_MS = 30_000;

/** Those who wait for files that this node has not heard of. */
const MAX_EXPECTED = 1024;

/** What this node gives to others, by digest. */
export interface Shelf {
  put(digest: string, image: ServedImage): void;
  get(digest: string): ServedImage | undefined;
  /** Takes `image` off, if that is what is there. */
  take(digest: string, image: ServedImage): void;
  /** The file, or undefined if it is not put here in time: a neighbour may be told of it first. */
  expect(digest: string, signal: AbortSignal): Promise<ServedImage | undefined>;
}

export function createShelf(clock: Clock): Shelf {
  const images = new Map<string, ServedImage>();
  const expected = new Set<{ readonly digest: string; readonly come: AbortController }>();

  return {
    put(digest, image) {
      images.set(digest, image);
      for (const one of expected) if (one.digest === digest) one.come.abort();
    },
    get: (digest) => images.get(digest),
    take(digest, image) {
      if (images.get(digest) === image) images.delete(digest);
    },
    async expect(digest, signal) {
      const found = images.get(digest);
      if (found !== undefined) return found;
      assert(expected.size < MAX_EXPECTED, 'too many wait for files that are not here');
      const one = { digest, come: new AbortController() };
      expected.add(one);
      try {
        await clock.sleep(EXPECT_MS, AbortSignal.any([signal, one.come.signal]));
      } finally {
        expected.delete(one);
      }
      return images.get(digest);
    },
  };
}
