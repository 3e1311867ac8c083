import type { Entropy } from '../base/clock.ts';

/** A name for a run that sorts by time: `20260131T235959Z-1a2b3c`. */
export function runName(startedAt: Date, entropy: Entropy): string {
  return `${startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${entropy.hex(3)}`;
}
