import * as fc from 'fast-check';
import type { PlannerOptions } from '../../src/planner/types.ts';
import type { Fault, Rack, Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';

/** Size of an image of one slot, and bytes per second of every link: τ is one second. */
export const SLOT_BYTES = 1_000_000;

const MEAN: PlannerOptions = {
  objective: { kind: 'mean' },
  senders: 1,
  maxHops: 16,
  maxAttempts: 4,
  copies: 1,
};

/** `count` nodes with one image of a slot each, equal links, ample room, no overhead, no faults. */
export function equalCluster(count: number, planner: Partial<PlannerOptions> = {}): Scenario {
  const nodes = Array.from({ length: count }, (_, place) => ({
    id: `n${place + 1}`,
    joinSeconds: 0,
    upBytesPerSecond: SLOT_BYTES,
    downBytesPerSecond: SLOT_BYTES,
    roomBytes: Infinity,
    images: [{ id: `n${place + 1}:image`, bytes: SLOT_BYTES }],
  }));
  return {
    nodes,
    frontendBytesPerSecond: SLOT_BYTES,
    connectSeconds: 0,
    syncSeconds: 0,
    faults: [],
    planner: { ...MEAN, ...planner },
  };
}

/**
 * Up to a dozen nodes with up to four images each, equal links, no faults; the mean as objective.
 */
export function calmClusters(roomy: { readonly room: 'ample' | 'any' }): fc.Arbitrary<Scenario> {
  const room = roomy.room === 'ample' ? fc.constant(Infinity) : fc.nat({ max: 6 * SLOT_BYTES });
  const node = fc.record({
    joinSeconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5, noNaN: true })),
    roomBytes: room,
    sizes: fc.array(fc.integer({ min: 0, max: 2 * SLOT_BYTES }), { maxLength: 4, size: 'max' }),
  });
  const nodes = fc.array(node, { minLength: 1, maxLength: 12, size: 'max' });
  return nodes.map((drawn) => withNodes(equalCluster(0), drawn.map(toNode)));
}

/** As before, with any room, rates, racks, disks, overheads and options. */
export function clusters(): fc.Arbitrary<Scenario> {
  const frontendRate = fc.integer({ min: SLOT_BYTES / 10, max: 3 * SLOT_BYTES });
  return fc
    .record({
      calm: calmClusters({ room: 'any' }),
      places: fc.array(nodePlaces(), { minLength: 12, maxLength: 12 }),
      racks: fc.array(racks(), { maxLength: 3 }),
      frontendBytesPerSecond: frontendRate,
      frontendDiskWriteBytesPerSecond: fc.oneof(fc.constant(Infinity), frontendRate),
      connectSeconds: fc.constantFrom(0, 0.02, 0.5),
      syncSeconds: fc.constantFrom(0, 0.02, 0.5),
      planner: plannerOptions(),
    })
    .map(({ calm, places, racks: drawnRacks, ...drawn }) => {
      const nodes = calm.nodes.map((node, number) =>
        withPlace(node, places[number % places.length], drawnRacks),
      );
      return Object.assign(drawn, { nodes, faults: calm.faults });
    });
}

/**
 * Clusters in which transfers fail, nodes are lost, copies spoil and the number of senders changes.
 */
export function troubledClusters(): fc.Arbitrary<Scenario> {
  return clusters().chain((scenario) =>
    fc
      .array(faults(scenario.nodes), { maxLength: 12, size: 'max' })
      .map((drawn) => withFaults(scenario, drawn)),
  );
}

/** `scenario` with other nodes. */
function withNodes(scenario: Scenario, nodes: readonly SimulatedNode[]): Scenario {
  return { ...scenario, nodes };
}

function withFaults(scenario: Scenario, drawn: readonly Fault[]): Scenario {
  return { ...scenario, faults: drawn };
}

/** Where a node is in the cluster, and how fast. */
interface NodePlace {
  /** Picks one of the racks, or none. */
  readonly rack: number;
  readonly rates: Pick<
    SimulatedNode,
    'upBytesPerSecond' | 'downBytesPerSecond' | 'diskReadBytesPerSecond' | 'diskWriteBytesPerSecond'
  >;
}

function nodePlaces(): fc.Arbitrary<NodePlace> {
  const rate = fc.integer({ min: SLOT_BYTES / 10, max: SLOT_BYTES });
  const disk = fc.oneof(fc.constant(Infinity), rate);
  const rates = fc.record({
    upBytesPerSecond: rate,
    downBytesPerSecond: rate,
    diskReadBytesPerSecond: disk,
    diskWriteBytesPerSecond: disk,
  });
  return fc.record({ rack: fc.nat({ max: 3 }), rates });
}

function racks(): fc.Arbitrary<Rack> {
  const rate = fc.integer({ min: SLOT_BYTES / 10, max: 4 * SLOT_BYTES });
  return fc.record({ upBytesPerSecond: rate, downBytesPerSecond: rate });
}

function withPlace(
  node: SimulatedNode,
  place: NodePlace | undefined,
  drawnRacks: readonly Rack[],
): SimulatedNode {
  const rack = place === undefined ? undefined : drawnRacks[place.rack];
  return { ...node, ...place?.rates, ...(rack === undefined ? {} : { rack }) };
}

interface DrawnNode {
  readonly joinSeconds: number;
  readonly roomBytes: number;
  readonly sizes: readonly number[];
}

function toNode({ joinSeconds, roomBytes, sizes }: DrawnNode, place: number): SimulatedNode {
  return {
    id: `n${place}`,
    joinSeconds,
    upBytesPerSecond: SLOT_BYTES,
    downBytesPerSecond: SLOT_BYTES,
    roomBytes,
    images: sizes.map((bytes, number) => ({ id: `n${place}:${number}`, bytes })),
  };
}

function plannerOptions(): fc.Arbitrary<PlannerOptions> {
  return fc.record({
    objective: fc.oneof(
      fc.constant({ kind: 'mean' as const }),
      fc.record({
        kind: fc.constant('target' as const),
        fraction: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    ),
    senders: fc.integer({ min: 1, max: 3 }),
    maxHops: fc.integer({ min: 0, max: 4 }),
    copies: fc.constant(1),
    maxAttempts: fc.integer({ min: 1, max: 4 }),
  });
}

function faults(nodes: readonly SimulatedNode[]): fc.Arbitrary<Fault> {
  const atSeconds = fc.double({ min: 0, max: 12, noNaN: true });
  const node = fc.constantFrom(...nodes.map(({ id }) => id));
  const options: fc.Arbitrary<Fault>[] = [
    fc.record({
      kind: fc.constant('transfer-fails' as const),
      ordinal: fc.integer({ min: 1, max: 40 }),
      share: fc.constantFrom(0, 0.5, 1),
      blame: fc.constantFrom('source' as const, 'target' as const, 'link' as const),
    }),
    fc.record({ kind: fc.constant('node-lost' as const), atSeconds, node }),
    fc.record({ kind: fc.constant('stays' as const), atSeconds, node }),
    fc.record({
      kind: fc.constant('senders-allowed' as const),
      atSeconds,
      senders: fc.integer({ min: 1, max: 4 }),
    }),
  ];
  const copies = nodes.flatMap(({ images }) => images.map(({ id }) => id));
  if (copies.length > 0) {
    const image = fc.constantFrom(...copies);
    const bytes = fc.nat({ max: 2 * SLOT_BYTES });
    options.push(fc.record({ kind: fc.constant('spoiled' as const), atSeconds, node, image }));
    options.push(fc.record({ kind: fc.constant('sized' as const), atSeconds, image, bytes }));
  }
  return fc.oneof(...options);
}
