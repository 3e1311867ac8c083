import { tell } from './pulls.ts';
import { createSketcher, type Sketcher } from './sketches.ts';
import type { Rack, SimulatedImage, SimulatedNode } from './scenario.ts';
import { toldLink } from './told.ts';
import type { World } from './world.ts';

/**
 * Tells the planner of the run and its racks, and sets timers for the nodes to join. The cluster is
 * assembled when the last of them has, or when the scenario's patience ends.
 */
export function scheduleJoins(world: World): void {
  const { nodes, patienceSeconds = Infinity } = world.scenario;
  tell(world, { type: 'expected', nodes: nodes.length });
  const racks = tellRacks(world);
  const sketcher = createSketcher();
  const assemble = assembly(world);
  let missing = nodes.length;
  for (const node of nodes) {
    world.timers.at(node.joinSeconds, () => {
      join(world, node, { racks, sketcher });
      missing -= 1;
      if (missing === 0) assemble();
    });
  }
  if (missing === 0) assemble();
  else if (patienceSeconds < Infinity) world.timers.at(patienceSeconds, assemble);
}

/** The ids that the planner is told. */
function tellRacks(world: World): ReadonlyMap<Rack, string> {
  const racks = new Map<Rack, string>();
  for (const { rack } of world.scenario.nodes) {
    if (rack === undefined || racks.has(rack)) continue;
    const id = `rack${racks.size + 1}`;
    racks.set(rack, id);
    const { upBytesPerSecond, downBytesPerSecond } = rack;
    tell(world, { type: 'rack', rack: id, upBytesPerSecond, downBytesPerSecond });
  }
  return racks;
}

/** Tells once. */
function assembly(world: World): () => void {
  let isAssembled = false;
  return () => {
    if (isAssembled) return;
    isAssembled = true;
    tell(world, { type: 'assembled' });
  };
}

function join(
  world: World,
  node: SimulatedNode,
  { racks, sketcher }: { readonly racks: ReadonlyMap<Rack, string>; readonly sketcher: Sketcher },
): void {
  const { id, roomBytes, weight, deadline } = node;
  const link = toldLink(node);
  const rack = node.rack === undefined ? undefined : racks.get(node.rack);
  world.present.add(id);
  tell(world, {
    type: 'joined',
    node: id,
    roomBytes,
    ...(link === undefined ? {} : { link }),
    ...(rack === undefined ? {} : { rack }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(weight === undefined ? {} : { weight }),
  });
  for (const image of node.images) name(world, { node: id, image, sketcher });
  tell(world, { type: 'listed', node: id });
}

interface Naming {
  readonly node: string;
  readonly image: SimulatedImage;
  readonly sketcher: Sketcher;
}

function name(world: World, { node, image, sketcher }: Naming): void {
  const { id, bytes, family } = image;
  world.named.add(id);
  tell(world, { type: 'held', node, image: id, bytes });
  if (family === undefined) return;
  tell(world, { type: 'sketched', image: id, sketch: sketcher(image, family) });
}
