/** Records that the tests of the chunk table work with. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { digestOf } from '../../src/content/digest.ts';
import { openChunkTable } from '../../src/store/chunk-table.ts';
import { RECORD_BYTES } from '../../src/store/table-record.ts';

/** Packed bytes by digest in hexadecimal. */
export type Records = ReadonlyMap<string, number>;

/** An even digest, and others that share their first bytes or differ in one byte only. */
const SPREADS = {
  even: (seed: number) => digestOf(Buffer.from(String(seed))),
  clustered: (seed: number) => {
    const digest = SPREADS.even(seed);
    return digest.fill(seed % 3, 0, seed % 2 === 0 ? 2 : 12);
  },
  dense: (seed: number) => {
    const digest = Buffer.alloc(32, 0xab);
    digest.writeUInt32BE(seed, 28);
    return digest;
  },
} as const;

export type Spread = keyof typeof SPREADS;
export const SPREAD_NAMES = Object.keys(SPREADS) as Spread[];

export function sampleDigest(seed: number, spread: Spread = 'even'): Buffer {
  return SPREADS[spread](seed);
}

/** `count` records from the seed `first` on; the size of a file follows from its seed. */
export function sampleRecords(first: number, count: number, spread: Spread = 'even'): Records {
  const seeds = Array.from({ length: count }, (_, place) => first + place);
  return new Map(seeds.map((seed) => [sampleDigest(seed, spread).toString('hex'), seed + 1]));
}

export const anyRecords: fc.Arbitrary<Records> = fc
  .tuple(fc.nat(3000), fc.nat(2000), fc.constantFrom(...SPREAD_NAMES))
  .map(([first, count, spread]) => sampleRecords(first, count, spread));

export function packRecords(records: Records): Buffer {
  const packed = Buffer.alloc(records.size * RECORD_BYTES);
  let at = 0;
  for (const [hex, packedBytes] of records) {
    packed.write(hex, at, 'hex');
    packed.writeUInt32LE(packedBytes, at + RECORD_BYTES - 4);
    at += RECORD_BYTES;
  }
  return packed;
}

/** The records in `packed`, in its order. */
export function unpackRecords(packed: Buffer): [string, number][] {
  return Array.from({ length: packed.length / RECORD_BYTES }, (_, place) => {
    const end = (place + 1) * RECORD_BYTES;
    return [packed.toString('hex', end - RECORD_BYTES, end - 4), packed.readUInt32LE(end - 4)];
  });
}

/** What a table is to give: ascending by digest. */
export function inOrder(...all: readonly Records[]): [string, number][] {
  const union = new Map(all.flatMap((records) => Array.from(records)));
  return [...union].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** All that the table in `directory` has, and its warnings. */
export async function readTable(
  directory: string,
): Promise<{ readonly records: [string, number][]; readonly warnings: readonly string[] }> {
  const table = await openChunkTable(directory);
  try {
    const batches: Buffer[] = [];
    for await (const batch of table.records()) batches.push(batch);
    return { records: unpackRecords(Buffer.concat(batches)), warnings: table.warnings };
  } finally {
    table.close();
  }
}

/** Paths of the segments in `directory`. */
export function segmentsIn(directory: string): readonly string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.chunks'));
  return names.map((name) => join(directory, name));
}
