import type { ChunkTable, TableHit } from '../store/chunk-table.ts';

/** Where the chunks of a store are looked up. */
export type ChunkLookup = Pick<ChunkTable, 'ordinals' | 'find'>;

/** Slots of 16 bytes: 64 MiB at most. */
const MAX_SLOTS = 2 ** 22;

/** 32-bit numbers in a slot: two of the digest, the ordinal plus 1 (0: empty), the packed bytes. */
const LANES = 4;

/**
 * Remembers answers of the table, each in the one slot that its digest has, since snapshots have
 * most of their chunks in common, and the table reads its file for each question. A digest is known
 * again by its first 64 bits, which is enough for sizes: nothing is kept or deleted by them.
 */
export function rememberingLookup(table: ChunkLookup): ChunkLookup {
  const wanted = 2 ** Math.ceil(Math.log2(2 * table.ordinals + 1));
  const slots = Math.min(MAX_SLOTS, wanted);
  const memory = new Uint32Array(slots * LANES);
  return {
    ordinals: table.ordinals,
    find(digest): TableHit | undefined {
      const high = digest.readUInt32LE(0);
      const low = digest.readUInt32LE(4);
      const lane = (low & (slots - 1)) * LANES;
      const known = memory[lane + 2] ?? 0;
      if (known !== 0 && memory[lane] === high && memory[lane + 1] === low) {
        return { ordinal: known - 1, packedBytes: memory[lane + 3] ?? 0 };
      }
      const hit = table.find(digest);
      if (hit !== undefined) memory.set([high, low, hit.ordinal + 1, hit.packedBytes], lane);
      return hit;
    },
  };
}
