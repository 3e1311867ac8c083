import * as fc from 'fast-check';
import type { LinkRates, PlannerOptions } from '../../src/planner/types.ts';
import type {
  Family,
  Fault,
  Rack,
  Scenario,
  SimulatedImage,
  SimulatedNode,
} from '../../src/simulator/scenario.ts';
import { toldLink } from '../../src/simulator/told.ts';

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

/**
 * As before, with any room, rates, racks, disks, promises, weights, deadlines, families of images,
 * one or two frontends, patience, overheads and options; one copy is enough.
 */
export function clusters(): fc.Arbitrary<Scenario> {
  const frontendRate = fc.integer({ min: SLOT_BYTES / 10, max: 3 * SLOT_BYTES });
  return fc
    .record({
      calm: calmClusters({ room: 'any' }),
      places: fc.array(nodePlaces(), { minLength: 12, maxLength: 12 }),
      racks: fc.array(racks(), { maxLength: 3 }),
      frontendBytesPerSecond: frontendRate,
      frontendDiskWriteBytesPerSecond: fc.oneof(fc.constant(Infinity), frontendRate),
      frontends: fc.constantFrom(1, 1, 2),
      connectSeconds: fc.constantFrom(0, 0.02, 0.5),
      syncSeconds: fc.constantFrom(0, 0.02, 0.5),
      patienceSeconds: fc.constantFrom(Infinity, Infinity, 0, 2.5),
      planner: plannerOptions(),
    })
    .map(({ calm, places, racks: drawnRacks, ...drawn }) => {
      const nodes = calm.nodes.map((node, number) =>
        withPlace(node, places[number % places.length], drawnRacks),
      );
      return Object.assign(drawn, { nodes, faults: calm.faults });
    });
}

/** As before, with several copies that are wanted before a node is released, or with one. */
export function copyingClusters(): fc.Arbitrary<Scenario> {
  return fc
    .tuple(clusters(), fc.constantFrom(1, 2, 2, 3))
    .map(([{ planner, ...drawn }, copies]) =>
      Object.assign(drawn, { planner: { ...planner, copies } }),
    );
}

/**
 * Clusters in which transfers fail, nodes are lost, copies spoil and the number of senders changes.
 */
export function troubledClusters(
  untroubled: fc.Arbitrary<Scenario> = clusters(),
): fc.Arbitrary<Scenario> {
  return untroubled.chain((scenario) =>
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

/** Where a node is in the cluster, how fast, and what else is said of it. */
interface NodePlace {
  /** Picks one of the racks, or none. */
  readonly rack: number;
  readonly rates: Pick<
    SimulatedNode,
    'upBytesPerSecond' | 'downBytesPerSecond' | 'diskReadBytesPerSecond' | 'diskWriteBytesPerSecond'
  >;
  /** What is promised of each rate for one byte of it that is true; null if the truth is told. */
  readonly promise: { readonly up: number; readonly down: number } | null;
  readonly said: Pick<SimulatedNode, 'weight' | 'deadline'>;
  /** Of the node's images in turn: the family, and how much of the image is common. */
  readonly kin: readonly ({ readonly id: string; readonly share: number } | null)[];
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
  const factor = fc.double({ min: 0.5, max: 1.5, noNaN: true });
  const family = fc.record({
    id: fc.constantFrom('debian', 'alpine'),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  return fc.record({
    rack: fc.nat({ max: 3 }),
    rates,
    promise: fc.option(fc.record({ up: factor, down: factor })),
    said: fc.record(
      {
        weight: fc.constantFrom(0.5, 1, 3),
        deadline: fc.integer({ min: 0, max: 10 }),
      },
      { requiredKeys: [] },
    ),
    kin: fc.array(fc.option(family), { minLength: 4, maxLength: 4 }),
  });
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
  if (place === undefined) return node;
  const rack = drawnRacks[place.rack];
  const images = node.images.map((image, number) => withKin(image, place.kin[number] ?? null));
  const placed = { ...node, ...place.rates, ...place.said, images };
  const promised = promiseOf(toldLink(placed), place.promise);
  return {
    ...placed,
    ...(rack === undefined ? {} : { rack }),
    ...(promised === undefined ? {} : { promised }),
  };
}

function withKin(image: SimulatedImage, kin: NodePlace['kin'][number]): SimulatedImage {
  if (kin === null) return image;
  const family: Family = { id: kin.id, sharedBytes: Math.floor(kin.share * image.bytes) };
  return { ...image, family };
}

function promiseOf(
  link: LinkRates | undefined,
  promise: NodePlace['promise'],
): LinkRates | undefined {
  if (link === undefined || promise === null) return undefined;
  return {
    upBytesPerSecond: link.upBytesPerSecond * promise.up,
    downBytesPerSecond: link.downBytesPerSecond * promise.down,
  };
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
