import { unreachable } from '../base/assert.ts';
import { failPull, tell } from './pulls.ts';
import type { Fault } from './scenario.ts';
import { pullsOf } from './under-way.ts';
import type { World } from './world.ts';

/** Sets a timer for every fault that has a moment. */
export function scheduleFaults(world: World): void {
  for (const fault of world.scenario.faults) {
    if (fault.kind === 'transfer-fails') continue;
    world.timers.at(fault.atSeconds, () => strike(world, fault));
  }
}

function strike(world: World, fault: Exclude<Fault, { kind: 'transfer-fails' }>): void {
  switch (fault.kind) {
    case 'node-lost':
      return loseNode(world, fault.node);
    case 'spoiled':
      return spoilCopy(world, fault);
    case 'sized':
      if (!world.named.has(fault.image)) return;
      return tell(world, { type: 'sized', image: fault.image, bytes: fault.bytes });
    case 'stays':
      if (!world.present.has(fault.node)) return;
      return tell(world, { type: 'stays', node: fault.node });
    case 'senders-allowed':
      return tell(world, { type: 'senders-allowed', senders: fault.senders });
    default:
      return unreachable(fault);
  }
}

/** Copies that are landing from the lost node have all their bytes, and go on. */
function loseNode(world: World, node: string): void {
  if (!world.present.delete(node)) return;
  for (const pull of pullsOf(world, node)) {
    const isSender = pull.traced.from === node;
    if (!isSender || pull.stage.phase !== 'landing') failPull(world, pull, undefined);
  }
  world.overlap.left(node);
  tell(world, { type: 'lost', node });
}

function spoilCopy(world: World, { node, image }: { node: string; image: string }): void {
  if (!world.present.has(node) || !world.named.has(image)) return;
  tell(world, { type: 'spoiled', node, image });
  for (const pull of pullsOf(world, node)) {
    const isOfCopy = pull.traced.from === node && pull.traced.image === image;
    if (isOfCopy && pull.stage.phase !== 'landing') failPull(world, pull, 'source');
  }
}
