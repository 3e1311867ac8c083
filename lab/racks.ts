import { rateBytesPerSecond } from './shaping.ts';

/** How the nodes of a lab are dealt to racks. */
export interface RackOptions {
  readonly count: number;
  /** Of each rack's uplink, both ways, as tc(8) writes it: `80mbit`. */
  readonly uplinkRate: string;
}

/** Some of the nodes, on a bridge of their own that a shaped uplink joins to the core bridge. */
export interface LabRack {
  /** `rack1`, `rack2`, …; names its bridge, too. */
  readonly name: string;
  readonly uplinkRate: string;
  /** The names of its nodes. */
  readonly nodes: readonly string[];
}

/** Reads `4x80mbit`: the number of racks, and the rate of each one's uplink. @throws Error */
export function parseRacks(text: string): RackOptions {
  const match = /^(\d+)x(.+)$/.exec(text);
  if (match === null) {
    throw new Error(`Cannot read "${text}" as racks: wanted their number and rate, e.g. 4x80mbit`);
  }
  const [, count, uplinkRate = ''] = match;
  rateBytesPerSecond(uplinkRate);
  return { count: Number(count), uplinkRate };
}

/**
 * Deals nodes to racks in contiguous blocks; the first racks have one node more if it does not come
 * out even. @throws Error if there are more racks than nodes, or the rate is none
 */
export function dealRacks(nodes: readonly string[], options: RackOptions): readonly LabRack[] {
  const { count, uplinkRate } = options;
  if (!Number.isInteger(count) || count < 1 || count > nodes.length) {
    throw new Error(
      `Cannot deal ${nodes.length} nodes to ${count} racks: wanted 1 to ${nodes.length} racks`,
    );
  }
  rateBytesPerSecond(uplinkRate);
  const digits = String(count).length;
  const least = Math.floor(nodes.length / count);
  const larger = nodes.length % count;
  const start = (rack: number): number => rack * least + Math.min(rack, larger);
  return Array.from({ length: count }, (_, rack) => ({
    name: `rack${String(rack + 1).padStart(digits, '0')}`,
    uplinkRate,
    nodes: nodes.slice(start(rack), start(rack + 1)),
  }));
}

/** The ends of a rack's uplink: `up` is a port of the rack's bridge, `down` one of the core's. */
export function uplinkDevices(rack: LabRack): Readonly<Record<'up' | 'down', string>> {
  return { up: `${rack.name}-up`, down: `${rack.name}-down` };
}
