import type { Rack, Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';
import { logNormalSizes } from './log-normal.ts';
import { OVERSUBSCRIPTION, type Terms } from './terms.ts';

/** The mean image, and the bytes per second of a node's link: a slot is one second. */
export const SLOT_BYTES = 1_000_000;

/** The cluster that the terms describe: no faults, no overheads, the mean as objective. */
export function scenarioOf(terms: Terms): Scenario {
  const { nodes: count, sigma = 0, frontend = 1, links = FULL, copies = 1 } = terms;
  const rackOf = rackChoice(terms);
  const nodes = logNormalSizes(count, sigma).map((size, place): SimulatedNode => {
    const node = nodeAt(terms, { place, bytes: Math.round(size * SLOT_BYTES) });
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
      senders: Math.ceil(frontend / links.up),
      maxHops: 64,
      maxAttempts: 5,
      copies,
    },
  };
}

const FULL = { up: 1, down: 1 };

interface Place {
  readonly place: number;
  /** Of its image. */
  readonly bytes: number;
}

function nodeAt(terms: Terms, { place, bytes }: Place): SimulatedNode {
  const { links = FULL, room = Infinity } = terms;
  const id = `n${place + 1}`;
  const isOneOf = (some: { readonly every: number }): boolean => place % some.every === 0;
  const rate = SLOT_BYTES * (terms.slow !== undefined && isOneOf(terms.slow) ? terms.slow.rate : 1);
  const hasSlowDisk = terms.disks !== undefined && isOneOf(terms.disks);
  return {
    id,
    joinSeconds: 0,
    upBytesPerSecond: links.up * rate,
    downBytesPerSecond: links.down * rate,
    ...(hasSlowDisk ? { diskReadBytesPerSecond: SLOT_BYTES * terms.disks.rate } : {}),
    roomBytes: room * SLOT_BYTES,
    images: [{ id: `${id}:image`, bytes, ...familyAt(terms, { place, bytes }) }],
    ...(terms.deadlines !== undefined && isOneOf(terms.deadlines) ? { deadline: 0 } : {}),
    ...(terms.weights !== undefined && isOneOf(terms.weights)
      ? { weight: terms.weights.weight }
      : {}),
  };
}

function familyAt({ families, nodes }: Terms, { place, bytes }: Place): object {
  if (families === undefined) return {};
  const { count, share, order } = families;
  const number = order === 'mixed' ? place % count : Math.floor((place * count) / nodes);
  return { family: { id: `family ${number + 1}`, sharedBytes: Math.round(bytes * share) } };
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
