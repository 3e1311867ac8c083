import { noiseOf, tooManyOwnBytes, withNewFile, WRITE_BYTES, writeAll } from './image-file.ts';
import type { ImageOptions } from './image-file.ts';

const PAGE_BYTES = 4096;

/** Pages that lie beside each other and are of one kind: 1 to this many. */
const RUN_PAGES = 32;

/** Pages of an image's own that lie beside each other. */
const OWN_RUN_PAGES = 64;

/** A number of 32 bits. */
type Random = () => number;

/** Fills a page. */
type Paint = (page: Buffer, random: Random) => void;

/** Kinds of pages, with their part of the runs. */
type Kinds = readonly (readonly [paint: Paint, part: number])[];

/**
 * Writes a raw image like a machine's memory, in pages of 4 KiB: a third zeros, written, not left
 * out; pages of words that look like pointers, of text, and of noise; pages that recur; and
 * `ownBytes`, in whole pages, of the image's own, in runs of up to 64 pages scattered evenly.
 * Without its zero pages, zstd (level 3, 128 KiB at a time) makes it 2.4 times smaller.
 *
 * A made-up memory: kinds and their parts are set by hand, after no particular machine. The base
 * lies at the same place in every image, as in clones of one running machine; machines that were
 * booted apart have their equal pages at different places.
 *
 * @throws Error if more than half of the image were its own
 */
export async function ramImage(path: string, options: ImageOptions): Promise<void> {
  const { sizeBytes, ownBytes, seed } = options;
  const ownLimit = Math.floor(sizeBytes / 2);
  if (ownBytes > ownLimit) throw tooManyOwnBytes(path, options, ownLimit);
  const random = randomOf(`memory of ${seed}`);
  const pages = Math.ceil(sizeBytes / PAGE_BYTES);
  const isOwn = scatter({ pages, ownPages: Math.ceil(ownBytes / PAGE_BYTES) }, random);
  const kinds = kindsOfPages();
  const paintBase = paintRuns(kinds.base, randomOf('memory of all'));
  const paintOwn = paintRuns(kinds.own, random);
  await withNewFile(path, async (file) => {
    const buffer = Buffer.alloc(WRITE_BYTES);
    for (let offset = 0; offset < sizeBytes; offset += WRITE_BYTES) {
      for (let start = 0; start < WRITE_BYTES; start += PAGE_BYTES) {
        const page = buffer.subarray(start, start + PAGE_BYTES);
        // What own pages hide is painted, too, so that the base goes on alike in every image.
        paintBase(page);
        if (isOwn((offset + start) / PAGE_BYTES)) paintOwn(page);
      }
      await writeAll(file, buffer.subarray(0, sizeBytes - offset), offset);
    }
  });
}

/** Whether a page is the image's own: each run lies somewhere in a stretch of its own. */
function scatter(
  { pages, ownPages }: { readonly pages: number; readonly ownPages: number },
  random: Random,
): (page: number) => boolean {
  const runs = Math.ceil(ownPages / OWN_RUN_PAGES);
  const stretch = Math.floor(pages / Math.max(1, runs));
  const firsts = Array.from({ length: runs }, (_, run) => {
    const room = stretch - lengthOf(run) + 1;
    return run * stretch + (random() % room);
  });
  return (page) => {
    const run = Math.floor(page / stretch);
    const first = firsts[run];
    return first !== undefined && page >= first && page < first + lengthOf(run);
  };
  function lengthOf(run: number): number {
    return Math.min(OWN_RUN_PAGES, ownPages - run * OWN_RUN_PAGES);
  }
}

/** Fills page after page, in runs of one kind. */
function paintRuns(kinds: Kinds, random: Random): (page: Buffer) => void {
  let paint: Paint = paintZeros;
  let left = 0;
  return (page) => {
    if (left === 0) {
      paint = pick(kinds, random() / 2 ** 32);
      left = 1 + (random() % RUN_PAGES);
    }
    left -= 1;
    paint(page, random);
  };
}

/** The kind at a place between 0 and 1 along the parts. */
function pick(kinds: Kinds, place: number): Paint {
  let left = place * kinds.reduce((sum, [, part]) => sum + part, 0);
  for (const [paint, part] of kinds) {
    left -= part;
    if (left < 0) return paint;
  }
  return paintZeros;
}

function kindsOfPages(): Readonly<Record<'base' | 'own', Kinds>> {
  const paintText = paintWords(vocabulary());
  const own: Kinds = [
    [paintPointers, 30],
    [paintText, 22],
    [paintNoise, 8],
  ];
  const recurring = paintOneOf(pagesOf([paintPointers, paintText]));
  return { base: [[paintZeros, 36], [recurring, 7], ...own], own };
}

function paintZeros(page: Buffer): void {
  page.fill(0);
}

function paintNoise(page: Buffer, random: Random): void {
  for (let at = 0; at < PAGE_BYTES; at += 4) page.writeUInt32LE(random(), at);
}

/** How many different pages recur. */
const RECURRING_PAGES = 32;

function pagesOf(paints: readonly Paint[]): readonly Buffer[] {
  const random = randomOf('recurring pages');
  return Array.from({ length: RECURRING_PAGES }, (_, index) => {
    const page = Buffer.alloc(PAGE_BYTES);
    paints[index % paints.length]?.(page, random);
    return page;
  });
}

function paintOneOf(pages: readonly Buffer[]): Paint {
  return (page, random) => {
    pages[random() % pages.length]?.copy(page);
  };
}

/** Upper halves of addresses as Linux on x86-64 gives them: kernel, libraries, programs, heap. */
const ADDRESSES_HIGH = [0xffff8880, 0x00007f3a, 0x00005581, 0x00005582];

/** Words of 64 bits: a quarter zero, a quarter small numbers, half addresses in four regions. */
function paintPointers(page: Buffer, random: Random): void {
  for (let at = 0; at < PAGE_BYTES; at += 8) {
    const bits = random();
    const region = (bits >>> 2) & 3;
    const isAddress = (bits & 1) === 1;
    const isNumber = (bits & 3) === 2;
    // 18 bits of an address differ within a region: objects of 16 bytes in 4 MiB.
    const address = 0x40000000 + region * 0x01000000 + ((bits >>> 14) << 4);
    page.writeUInt32LE(isAddress ? address : isNumber ? bits >>> 24 : 0, at);
    page.writeUInt32LE(isAddress ? (ADDRESSES_HIGH[region] ?? 0) : 0, at + 4);
  }
}

/** Words in lines, the first of the vocabulary far more often than the last. */
function paintWords(words: readonly string[]): Paint {
  return (page, random) => {
    for (let at = 0; at < PAGE_BYTES;) {
      const place = (random() / 2 ** 32) ** 2;
      // The last word of a page is cut off.
      at += page.write(words[Math.floor(place * words.length)] ?? ' ', at, 'latin1');
    }
  };
}

const VOCABULARY_WORDS = 1024;

/** Made-up words of one to four syllables, with what follows each. */
function vocabulary(): readonly string[] {
  const random = randomOf('vocabulary');
  const letter = (letters: string): string => letters.charAt(random() % letters.length);
  return Array.from({ length: VOCABULARY_WORDS }, () => {
    const syllables = Array.from(
      { length: 1 + (random() % 4) },
      () => letter('bcdfghklmnprstvw') + letter('aeiou') + letter('nrst_x'),
    );
    return syllables.join('') + letter('     ,.\n=/');
  });
}

/** Random numbers from a stream of noise: equal seeds give equal numbers. */
function randomOf(seed: string): Random {
  const noise = noiseOf(seed);
  let numbers: Buffer = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at === numbers.length) {
      numbers = noise(PAGE_BYTES);
      at = 0;
    }
    at += 4;
    return numbers.readUInt32LE(at - 4);
  };
}
