import type { Rack, Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';
import { logNormalSizes } from './log-normal.ts';

/** A row of the table. */
export interface Row {
  readonly name: string;
  readonly nodes: number;
  readonly scenario: Scenario;
}

/** What a row is about; everything else is as simple as can be. */
export interface Terms {
  readonly nodes: number;
  /** Of the log-normal sizes of the images, one on each node; equal by default. */
  readonly sigma?: number;
  /** A part of all links are slower, evenly spread. */
  readonly slow?: { readonly every: number; readonly rate: number };
  /** Foreign images of mean size that a node has room for. */
  readonly room?: number;
  /** The frontend's link in links of a (fast) node; just enough nodes may send to it. */
  readonly frontend?: number;
  readonly racks?: {
    readonly nodes: number;
    /** As the nodes come: one rack after the other, or each from another rack. */
    readonly order: 'in order' | 'mixed';
  };
}

/** The mean image, and the bytes per second of a node's link: a slot is one second. */
const SLOT_BYTES = 1_000_000;

/** Links of a rack's nodes to its uplink. */
const OVERSUBSCRIPTION = 4;

const HALF_AT_HALF = { every: 2, rate: 0.5 };
const TENTH_AT_TENTH = { every: 10, rate: 0.1 };
const IN_ORDER = { nodes: 8, order: 'in order' } as const;
const MIXED = { nodes: 8, order: 'mixed' } as const;

/** What the table compares, in its order. */
const TERMS: readonly Terms[] = [
  ...each([8, 16, 64, 256], {}),
  ...each([8, 16, 64, 256], { sigma: 0.5 }),
  ...each([8, 16, 64, 256], { sigma: 1.2 }),
  ...each([16, 64, 256], { slow: HALF_AT_HALF }),
  ...each([64], { sigma: 1.2, slow: HALF_AT_HALF }),
  ...each([16, 64, 256], { slow: TENTH_AT_TENTH }),
  ...each([64], { sigma: 0.5, slow: TENTH_AT_TENTH }),
  ...each([16, 64, 256], { racks: IN_ORDER }),
  ...each([16, 64, 256], { racks: MIXED }),
  ...each([64], { sigma: 0.5, racks: MIXED }),
  ...each([16, 64, 256], { room: 1 }),
  ...each([16, 64, 256], { room: 2 }),
  ...each([64], { sigma: 0.5, room: 2 }),
  ...each([16, 64, 256], { frontend: 4 }),
  ...each([64], { sigma: 0.5, frontend: 4 }),
  ...each([64], { sigma: 1.2, frontend: 4 }),
  ...each([16, 64, 256], { frontend: 0.5 }),
  ...each([64], { sigma: 0.5, frontend: 0.5 }),
];

/** All rows of the table. */
export function rows(): readonly Row[] {
  return TERMS.map((terms) => ({
    name: nameOf(terms),
    nodes: terms.nodes,
    scenario: scenarioOf(terms),
  }));
}

function each(counts: readonly number[], terms: Omit<Terms, 'nodes'>): Terms[] {
  return counts.map((nodes) => Object.assign({ nodes }, terms));
}

/** The cluster that the terms describe: no faults, no overheads, the mean as objective. */
export function scenarioOf(terms: Terms): Scenario {
  const { nodes: count, sigma = 0, slow, room = Infinity, frontend = 1 } = terms;
  const sizes = logNormalSizes(count, sigma);
  const rackOf = rackChoice(terms);
  const nodes = sizes.map((size, place): SimulatedNode => {
    const isSlow = slow !== undefined && place % slow.every === 0;
    const rate = SLOT_BYTES * (isSlow ? slow.rate : 1);
    const id = `n${place + 1}`;
    const node = {
      id,
      joinSeconds: 0,
      upBytesPerSecond: rate,
      downBytesPerSecond: rate,
      roomBytes: room * SLOT_BYTES,
      images: [{ id: `${id}:image`, bytes: Math.round(size * SLOT_BYTES) }],
    };
    const rack = rackOf(place);
    return rack === undefined ? node : Object.assign(node, { rack });
  });
  return {
    nodes,
    frontendBytesPerSecond: frontend * SLOT_BYTES,
    connectSeconds: 0,
    syncSeconds: 0,
    faults: [],
    planner: {
      objective: { kind: 'mean' },
      senders: Math.ceil(frontend),
      maxHops: 64,
      maxAttempts: 5,
      copies: 1,
    },
  };
}

/** The rack of the node at a place, if there are racks. */
function rackChoice({ nodes, racks }: Terms): (place: number) => Rack | undefined {
  if (racks === undefined) return () => undefined;
  const uplink = (racks.nodes * SLOT_BYTES) / OVERSUBSCRIPTION;
  const all = Array.from({ length: Math.ceil(nodes / racks.nodes) }, (): Rack => ({
    upBytesPerSecond: uplink,
    downBytesPerSecond: uplink,
  }));
  if (racks.order === 'mixed') return (place) => all[place % all.length];
  return (place) => all[Math.floor(place / racks.nodes)];
}

function nameOf({ sigma, slow, room, frontend, racks }: Terms): string {
  const parts = [sigma === undefined ? 'equal images' : `log-normal ${sigma}`];
  if (slow !== undefined) parts.push(`1 of ${slow.every} nodes at rate ${slow.rate}`);
  if (racks !== undefined) {
    parts.push(`racks of ${racks.nodes}, ${OVERSUBSCRIPTION}:1, ${racks.order}`);
  }
  if (room !== undefined) parts.push(`room for ${room}`);
  if (frontend !== undefined) parts.push(`frontend ${frontend}x`);
  return parts.join(', ');
}
