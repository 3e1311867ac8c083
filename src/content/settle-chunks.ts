import type { ChunkPlacer } from './chunk-placer.ts';
import { type ChunkRun, DIGEST_BYTES } from './image.ts';
import type { LandingTurns } from './landing-turns.ts';
import { pause } from './pause.ts';
import type { WantedChunks } from './wanted-chunks.ts';

/** Bytes read from parts and seeds, and positions looked at, between two pauses. */
const PAUSE_AFTER_BYTES = 1024 * 1024;
const PAUSE_AFTER_POSITIONS = 4096;

/**
 * Settles what is at hand of the chunks from `first` on, without holding up the event loop, and
 * returns what must be fetched.
 * @throws KgetError `cancelled`; Error the system's
 */
export async function settleChunks(
  landing: {
    readonly placer: ChunkPlacer;
    readonly wanted: WantedChunks;
    readonly turns: LandingTurns;
  },
  first: number,
  digests: Buffer,
): Promise<ChunkRun[]> {
  const { placer, wanted } = landing;
  const runs: { first: number; count: number }[] = [];
  let spentBytes = 0;
  for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
    const position = first + at / DIGEST_BYTES;
    const digest = digests.subarray(at, at + DIGEST_BYTES);
    const costBytes = placer.costBytes(position, digest);
    // What is to be read may still be on its way to the file.
    if (costBytes > 0) await placer.idle();
    spentBytes += costBytes + PAUSE_AFTER_BYTES / PAUSE_AFTER_POSITIONS;
    const settled = placer.settle(position, digest);
    if (!settled && wanted.add(position, digest)) extend(runs, position);
    if (spentBytes < PAUSE_AFTER_BYTES) continue;
    spentBytes = 0;
    await pause();
    landing.turns.confirmOpen();
  }
  return runs;
}

function extend(runs: { first: number; count: number }[], position: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.first + last.count === position) last.count += 1;
  else runs.push({ first: position, count: 1 });
}
