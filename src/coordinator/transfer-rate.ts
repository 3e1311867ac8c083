import type { ImageFacts, TransferFacts } from './facts.ts';

/** In less time connecting and getting up to speed count for too much. */
const MIN_SECONDS = 1;
/** Where less of an image crosses the network, seeds and zeros set the pace. */
const MIN_SHARE = 0.5;

/**
 * The rate that the network and the disks gave a transfer that has arrived, in bytes per second;
 * undefined where it says little of them: it was short, much of the image was there already, or
 * hashing at its origin may have held it up.
 */
export function measuredRate(
  transfer: Pick<TransferFacts, 'startSeconds' | 'endSeconds' | 'wireBytes' | 'afterScan'>,
  { neededBytes }: Pick<ImageFacts, 'neededBytes'>,
): number | undefined {
  const { startSeconds, endSeconds, wireBytes, afterScan } = transfer;
  if (endSeconds === null || !afterScan) return undefined;
  const seconds = endSeconds - startSeconds;
  if (seconds < MIN_SECONDS || wireBytes === 0) return undefined;
  return wireBytes < neededBytes * MIN_SHARE ? undefined : wireBytes / seconds;
}

/** The least of some rates of which each may be unknown (null). */
export function leastRate(...rates: readonly (number | null)[]): number | null {
  const known = rates.filter((rate) => rate !== null);
  return known.length === 0 ? null : Math.min(...known);
}
