import { SKETCH_HASHES, SKETCH_HASH_LIMIT, type Sketch } from '../base/sketch.ts';
import { uniformOf } from './chance.ts';
import type { Family, SimulatedImage } from './scenario.ts';

/** As in real runs. */
const CHUNK_BYTES = 128 * 1024;

/** Draws sketches of images; equal images get equal ones. */
export type Sketcher = (image: SimulatedImage, family: Family) => Sketch;

/**
 * A sketcher that keeps what it has drawn of each family.
 *
 * A hash is uniform. One of a chunk in the common part depends on the family and the chunk's
 * position alone, any other one on the image. No more of them are drawn than a sketch can need, in
 * ascending order: of m numbers uniform on (0, 1), −ln(1 − u) of the least is E/m with E
 * exponential, that of the next one is more by E′/(m − 1), and so on (Rényi 1953, "On the theory of
 * order statistics").
 */
export function createSketcher(): Sketcher {
  const families = new Map<string, CommonPart>();
  return (image, { id, sharedBytes }) => {
    const common = families.get(id) ?? createCommonPart(id);
    families.set(id, common);
    const chunks = Math.ceil(image.bytes / CHUNK_BYTES);
    const shared = Math.floor(sharedBytes / CHUNK_BYTES);
    const own = leastHashes(chunks - shared, uniformOf(`image ${image.id}`));
    return { chunks, hashes: least([...common(shared), ...own]) };
  };
}

/** The least hashes of the first so many chunks of a common part. */
type CommonPart = (chunks: number) => readonly number[];

/** Chunks from position 2^j to 2^(j + 1), and the least hashes of all chunks before them. */
interface Octave {
  readonly before: readonly number[];
  readonly chunks: readonly { readonly hash: number; readonly position: number }[];
}

/**
 * The common parts of a family's images are prefixes of the longest one. Its chunks are drawn in
 * octaves: of an octave only those that are less than the least hashes before it, about as many as
 * a sketch has, for none of the others is in the sketch of any prefix that ends in the octave or
 * later. Which of an octave's chunks has the next hash is as random as in a shuffle.
 */
function createCommonPart(family: string): CommonPart {
  const octaves: Octave[] = [];

  function octave(number: number): Octave {
    const known = octaves[number];
    if (known !== undefined) return known;
    const before = number === 0 ? firstHash(family) : prefix(number - 1, 2 ** number);
    const drawn = { before, chunks: drawOctave(family, number, before) };
    octaves[number] = drawn;
    return drawn;
  }

  function prefix(number: number, end: number): number[] {
    const { before, chunks } = octave(number);
    const inside = chunks.filter(({ position }) => position < end);
    return least([...before, ...inside.map(({ hash }) => hash)]);
  }

  return (chunks) => (chunks === 0 ? [] : prefix(Math.floor(Math.log2(chunks)), chunks));
}

function firstHash(family: string): number[] {
  return leastHashes(1, uniformOf(`family ${family}`));
}

function drawOctave(family: string, number: number, before: readonly number[]): Octave['chunks'] {
  const first = 2 ** number;
  const next = uniformOf(`family ${family} octave ${number}`);
  const limit = before.length < SKETCH_HASHES ? Infinity : (before.at(-1) ?? Infinity);
  const places = shuffled(first, next);
  const chunks: { hash: number; position: number }[] = [];
  for (const hash of ascendingHashes(first, next)) {
    if (hash >= limit) break;
    chunks.push({ hash, position: first + (places.next().value ?? 0) });
  }
  return chunks;
}

/** The least hashes of `count` chunks, as many as a sketch has. */
function leastHashes(count: number, next: () => number): number[] {
  const hashes: number[] = [];
  for (const hash of ascendingHashes(count, next)) {
    if (hashes.length === SKETCH_HASHES) break;
    hashes.push(hash);
  }
  return hashes;
}

/** The hashes of `count` chunks. */
function* ascendingHashes(count: number, next: () => number): Generator<number, void> {
  let exponent = 0;
  for (let left = count; left > 0; left -= 1) {
    exponent -= Math.log(next()) / left;
    yield Math.floor(-Math.expm1(-exponent) * SKETCH_HASH_LIMIT);
  }
}

/** The numbers below `count` in random order: Fisher and Yates, with only what was moved. */
function* shuffled(count: number, next: () => number): Generator<number, void> {
  const moved = new Map<number, number>();
  for (let left = count; left > 0; left -= 1) {
    const drawn = Math.floor(next() * left);
    yield moved.get(drawn) ?? drawn;
    moved.set(drawn, moved.get(left - 1) ?? left - 1);
  }
}

/** As many of these as a sketch has, ascending, each once. */
function least(hashes: readonly number[]): number[] {
  return [...new Set(hashes)].sort((left, right) => left - right).slice(0, SKETCH_HASHES);
}
