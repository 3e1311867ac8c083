import { digestBy } from '../content/digest-algorithm.ts';
import { compress, DEFAULT_LEVEL } from '../content/zstd.ts';
import { openChunkWriter } from '../store/chunk-writer.ts';
import type { Lease } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { HurtChunk } from './hurt-snapshots.ts';

/** Chunks that are not yet repaired, by digest in hexadecimal. */
export type WantedRepairs = ReadonlyMap<string, HurtChunk>;

/** Takes bytes that may be one of the wanted chunks; false if they are none, or not any more. */
export type OfferChunk = (bytes: Buffer, chunk?: HurtChunk) => Promise<boolean>;

/** Where good copies of chunks may be. */
export interface RepairSource {
  /** For reports: a path, or nodes. */
  readonly title: string;
  /**
   * Offers what it has of the wanted chunks, which become fewer while it does. What it cannot read
   * it passes over. Returns what went wrong, a line each.
   */
  offerTo(
    wanted: WantedRepairs,
    offer: OfferChunk,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}

export interface Repaired {
  /** By digest in hexadecimal: the title of the source. */
  readonly from: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/**
 * Puts good copies of bad chunks into the store, source by source. What was offered counts only if
 * it has the wanted digest. @throws Error the system's, if the store cannot be written
 */
export async function repairChunks(options: {
  readonly place: StorePlace;
  readonly lease: Lease;
  readonly hurt: WantedRepairs;
  readonly sources: readonly RepairSource[];
  readonly signal: AbortSignal;
}): Promise<Repaired> {
  const { place, lease, hurt, sources, signal } = options;
  const wanted = new Map([...hurt].filter(([, chunk]) => canBeReplaced(chunk)));
  const from = new Map<string, string>();
  const warnings: string[] = [];
  if (wanted.size === 0) return { from, warnings };
  const writer = await openChunkWriter(place, lease);
  try {
    for (const source of [zeroSource, ...sources]) {
      if (signal.aborted) break;
      const offer: OfferChunk = async (bytes, expected) => {
        const chunk = matching(wanted, bytes, expected);
        if (chunk === undefined) return false;
        const hex = chunk.digest.toString('hex');
        await writer.ready();
        // Somebody else may have repaired it meanwhile.
        if (!writer.has(chunk.digest)) writer.put(chunk.digest, compress(bytes, DEFAULT_LEVEL));
        wanted.delete(hex);
        from.set(hex, source.title);
        return true;
      };
      warnings.push(...(await source.offerTo(wanted, offer, signal)));
    }
    await writer.commit();
    return { from, warnings };
  } finally {
    await writer.close();
  }
}

/** What could not be renamed would be in the way. */
function canBeReplaced({ kind, setAside }: HurtChunk): boolean {
  return kind === 'missing' || setAside !== null;
}

function matching(
  wanted: WantedRepairs,
  bytes: Buffer,
  expected: HurtChunk | undefined,
): HurtChunk | undefined {
  if (expected !== undefined) {
    const isIt = digestBy(expected.algorithm, bytes).equals(expected.digest);
    return isIt ? wanted.get(expected.digest.toString('hex')) : undefined;
  }
  for (const algorithm of ['sha256', 'sha512-256'] as const) {
    const chunk = wanted.get(digestBy(algorithm, bytes).toString('hex'));
    if (chunk?.algorithm === algorithm) return chunk;
  }
  return undefined;
}

/** Chunks of nothing but zeros need no copy. */
const zeroSource: RepairSource = {
  title: 'zeros',
  async offerTo(wanted, offer) {
    const lengths = new Set([...wanted.values()].map(({ lengthBytes }) => lengthBytes));
    for (const length of lengths) await offer(Buffer.alloc(length));
    return [];
  },
};
