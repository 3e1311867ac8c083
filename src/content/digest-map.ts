import { assert } from '../base/assert.ts';

/** A chunk of some numbered file. */
interface ChunkPlace {
  /** 1 or more. */
  readonly file: number;
  readonly position: number;
}

/**
 * Where chunks lie, by digest, in 16 bytes each. A cache: an entry is found by the first 64 bits of
 * its digest, and a full map forgets, so what it answers must be verified.
 */
export interface DigestMap {
  /** Remembers a place; an earlier one of the same digest is forgotten. */
  put(digest: Buffer, place: ChunkPlace): void;
  get(digest: Buffer): ChunkPlace | undefined;
}

/** Slots that are looked at for one digest: digests may be chosen to collide. */
const MAX_PROBES = 64;

/** 32-bit numbers in a slot: two of the digest, the file (0 means an empty slot), the position. */
const LANES = 4;

const FIRST_SLOTS = 1024;

/**
 * An open-addressing table that doubles up to `maxSlots` slots (a power of two) of 16 bytes.
 * Entries of files that are not live any more are not found, and make room for others.
 */
export function createDigestMap(options: {
  readonly maxSlots: number;
  readonly isLive: (file: number) => boolean;
}): DigestMap {
  const { maxSlots, isLive } = options;
  assert(Number.isInteger(Math.log2(maxSlots)), `a table of ${maxSlots} slots`);
  let slots = Math.min(FIRST_SLOTS, maxSlots);
  let table = new Uint32Array(slots * LANES);
  let used = 0;

  /** The lane at which to store the key: its own slot, else a free one, else its first. */
  function laneFor(high: number, low: number): number {
    let free: number | undefined;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      const lane = ((low + probe) & (slots - 1)) * LANES;
      const file = table[lane + 2] ?? 0;
      if (file === 0) return free ?? lane;
      if (table[lane] === high && table[lane + 1] === low) return lane;
      if (free === undefined && !isLive(file)) free = lane;
    }
    return free ?? (low & (slots - 1)) * LANES;
  }
  function store(entry: readonly [number, number, number, number]): void {
    const lane = laneFor(entry[0], entry[1]);
    if (table[lane + 2] === 0) used += 1;
    table.set(entry, lane);
  }
  function grow(): void {
    const old = table;
    slots *= 2;
    table = new Uint32Array(slots * LANES);
    used = 0;
    for (let lane = 0; lane < old.length; lane += LANES) {
      const [high = 0, low = 0, file = 0, position = 0] = old.subarray(lane, lane + LANES);
      if (file !== 0 && isLive(file)) store([high, low, file, position]);
    }
  }
  return {
    put(digest, place) {
      if (used * 4 >= slots * 3 && slots < maxSlots) grow();
      store([digest.readUInt32LE(0), digest.readUInt32LE(4), place.file, place.position]);
    },
    get(digest) {
      const high = digest.readUInt32LE(0);
      const low = digest.readUInt32LE(4);
      for (let probe = 0; probe < MAX_PROBES; probe += 1) {
        const lane = ((low + probe) & (slots - 1)) * LANES;
        const file = table[lane + 2] ?? 0;
        if (file === 0) return undefined;
        if (table[lane] === high && table[lane + 1] === low && isLive(file)) {
          return { file, position: table[lane + 3] ?? 0 };
        }
      }
      return undefined;
    },
  };
}
