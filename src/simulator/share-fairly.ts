import { assert } from '../base/assert.ts';

/** Something that moves over links, all at once; links are told apart by name. */
export interface Sharer {
  readonly links: readonly string[];
  bytesPerSecond: number;
}

/** Two rates closer than this are one: progressive filling then fixes their links together. */
const RELATIVE_TOLERANCE = 1e-9;

/**
 * Sets the rates of all flows to the max-min fair shares: no flow can get more without another,
 * that has no more than it, getting less. By progressive filling (Bertsekas and Gallager, Data
 * Networks, section 6.5.2): the link with the least share per flow fixes its flows, and so on with
 * the rest. This is what TCP flows of equal round-trip times tend to. The flow engine keeps the same
 * shares as flows come and go; this is the plain definition that it is held to.
 */
export function shareFairly(
  flows: Iterable<Sharer>,
  capacitiesBytesPerSecond: ReadonlyMap<string, number>,
): void {
  const links = new Map<string, { left: number; flows: Set<Sharer> }>();
  for (const flow of flows) {
    for (const name of flow.links) {
      const link = links.get(name) ?? {
        left: capacitiesBytesPerSecond.get(name) ?? 0,
        flows: new Set(),
      };
      links.set(name, link);
      link.flows.add(flow);
    }
  }
  while (links.size > 0) {
    let share = Infinity;
    for (const link of links.values()) share = Math.min(share, link.left / link.flows.size);
    const limit = share * (1 + RELATIVE_TOLERANCE);
    const fixed = new Set<Sharer>();
    for (const link of links.values()) {
      if (link.left / link.flows.size > limit) continue;
      for (const flow of link.flows) fixed.add(flow);
    }
    assert(fixed.size > 0 && share > 0, 'every round of filling fixes a flow');
    for (const flow of fixed) {
      flow.bytesPerSecond = share;
      for (const name of flow.links) {
        const link = links.get(name);
        if (link === undefined) continue;
        link.left -= share;
        link.flows.delete(flow);
        if (link.flows.size === 0) links.delete(name);
      }
    }
  }
}
