import { assert } from '../base/assert.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { compareDigests, MAX_PACKED_BYTES, RECORD_BYTES } from './table-record.ts';

/** Records that one `Additions` takes: 60 MB. Then they are to go into the table. */
export const MAX_ADDITIONS = 1_000_000;

/** Records are held in pages, so that growing copies none: 36 KiB. */
const PAGE_RECORDS = 1024;

const FIRST_SLOTS = 1024;

/** Slots that are looked at for one digest: digests may be chosen to collide. */
const MAX_PROBES = 256;

/** Records of chunks that are new to a store, until they go into its table. */
export interface Additions {
  /** How many there are; at most `MAX_ADDITIONS`. */
  readonly count: number;
  /** Memory held: at most 52 B a record, a page and the first slots. */
  readonly heldBytes: number;
  /** Adds a chunk, or sets the size of its file (up to 4 GiB) anew. There must be room. */
  add(digest: Buffer, packedBytes: number): void;
  /** Bytes of the file of a chunk that was added. */
  find(digest: Buffer): number | undefined;
  /** All records packed, for `addToTable`, without a copy. */
  packed(): readonly Buffer[];
}

/** No records yet. */
export function createAdditions(): Additions {
  const pages: Buffer[] = [];
  let count = 0;
  /** By hash: the number of a record, from 1 on; 0 is a free slot. At most half are taken. */
  let slots = new Uint32Array(FIRST_SLOTS);

  function pageOf(index: number): Buffer {
    const page = pages[Math.floor(index / PAGE_RECORDS)];
    assert(page !== undefined, `no record ${index}`);
    return page;
  }
  /** The slot of a digest, or the free one where it belongs; undefined if none is near. */
  function slotOf(bytes: Buffer, at: number): number | undefined {
    const mask = slots.length - 1;
    let slot = hashOf(bytes, at) & mask;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      const index = (slots[slot] ?? 0) - 1;
      if (index < 0) return slot;
      if (compareDigests(pageOf(index), offsetOf(index), bytes, at) === 0) return slot;
      slot = (slot + 1) & mask;
    }
    return undefined;
  }
  function grow(): void {
    slots = new Uint32Array(2 * slots.length);
    for (let index = 0; index < count; index += 1) {
      const slot = slotOf(pageOf(index), offsetOf(index));
      if (slot !== undefined) slots[slot] = index + 1;
    }
  }
  /** The number of a digest's record. */
  function indexOf(digest: Buffer): number | undefined {
    const slot = slotOf(digest, 0);
    const number = slot === undefined ? 0 : (slots[slot] ?? 0);
    return number === 0 ? undefined : number - 1;
  }
  function append(digest: Buffer): number {
    assert(count < MAX_ADDITIONS, 'there is no room for another record');
    if (2 * (count + 1) > slots.length) grow();
    if (count === pages.length * PAGE_RECORDS) {
      pages.push(Buffer.allocUnsafeSlow(PAGE_RECORDS * RECORD_BYTES));
    }
    const index = count;
    count += 1;
    // Without a slot it is not found here, but gets into the table all the same.
    const slot = slotOf(digest, 0);
    digest.copy(pageOf(index), offsetOf(index), 0, DIGEST_BYTES);
    if (slot !== undefined) slots[slot] = index + 1;
    return index;
  }
  return {
    get count() {
      return count;
    },
    get heldBytes() {
      return pages.length * PAGE_RECORDS * RECORD_BYTES + slots.byteLength;
    },
    add(digest, packedBytes) {
      assert(digest.length === DIGEST_BYTES, `a digest of ${digest.length} B`);
      assert(packedBytes <= MAX_PACKED_BYTES, `a chunk's file of ${packedBytes} B`);
      const index = indexOf(digest) ?? append(digest);
      pageOf(index).writeUInt32LE(packedBytes, offsetOf(index) + DIGEST_BYTES);
    },
    find(digest) {
      const index = indexOf(digest);
      if (index === undefined) return undefined;
      return pageOf(index).readUInt32LE(offsetOf(index) + DIGEST_BYTES);
    },
    packed() {
      return pages.map((page, number) => {
        const records = Math.min(PAGE_RECORDS, count - number * PAGE_RECORDS);
        return page.subarray(0, records * RECORD_BYTES);
      });
    },
  };
}

/** Where a record begins in its page. */
function offsetOf(index: number): number {
  return (index % PAGE_RECORDS) * RECORD_BYTES;
}

/** 32 bits of all of a digest, so that equal beginnings do no harm. Factor: 2^32 / golden ratio. */
function hashOf(bytes: Buffer, at: number): number {
  let hash = 0;
  for (let place = at; place < at + DIGEST_BYTES; place += 4) {
    hash = Math.imul(hash ^ bytes.readInt32LE(place), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
