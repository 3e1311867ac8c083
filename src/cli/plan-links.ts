import { parseRate } from '../base/units.ts';
import type { NodeFacts, RunFacts } from '../coordinator/facts.ts';
import type { PlannedLink } from '../report/plan-record.ts';
import type { PlanOptions } from './plan-options.ts';

/** Where nobody knows a link's rate; the forecast says so. */
const ASSUMED_BYTES_PER_SECOND = parseRate('1Gbit');

export type LinkOptions = Pick<PlanOptions, 'link' | 'frontendLink' | 'bwlimit'>;

/** A node's link: as the options say, or as the node does. */
export function nodeLink(
  { linkBytesPerSecond }: Pick<NodeFacts, 'linkBytesPerSecond'>,
  { link }: LinkOptions,
): PlannedLink {
  return chosen(link, linkBytesPerSecond);
}

/** The frontend's link, or the limit of what it receives if that is less. */
export function frontendLink(
  { frontendBytesPerSecond }: Pick<RunFacts, 'frontendBytesPerSecond'>,
  { frontendLink: given, link, bwlimit = Infinity }: LinkOptions,
): PlannedLink {
  const found = chosen(given ?? link, frontendBytesPerSecond);
  if (found.bytesPerSecond <= bwlimit) return found;
  return { bytesPerSecond: bwlimit, source: 'option' };
}

function chosen(given: number | undefined, told: number | null): PlannedLink {
  if (given !== undefined) return { bytesPerSecond: given, source: 'option' };
  if (told !== null) return { bytesPerSecond: told, source: 'told' };
  return { bytesPerSecond: ASSUMED_BYTES_PER_SECOND, source: 'assumed' };
}
