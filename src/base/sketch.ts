/**
 * A bottom-k sketch of the chunks of an image: the least hashes of what is in it. Of two images it
 * tells how much they have in common (Broder 1997, "On the resemblance and containment of
 * documents").
 */
export interface Sketch {
  /** Distinct chunks, without the zero chunk. */
  readonly chunks: number;
  /** The `SKETCH_HASHES` least hashes of these chunks, or all of fewer; ascending, each once. */
  readonly hashes: readonly number[];
}

/** Hashes in a sketch: the estimate of an overlap is off by about 1/√128, 9 %. */
export const SKETCH_HASHES = 128;

/** A hash is the first so many bytes of a chunk's digest, as a big-endian number. */
export const SKETCH_HASH_BYTES = 6;

/** Hashes are below this. */
export const SKETCH_HASH_LIMIT = 2 ** (8 * SKETCH_HASH_BYTES);
