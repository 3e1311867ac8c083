import { FRONTEND } from '../planner/types.ts';
import type { TracedTransfer } from './scenario.ts';
import type { Pull, World } from './world.ts';

/** Books a pull that has just been commanded. */
export function beginPull(world: World, pull: Pull): void {
  world.transfers.push(pull.traced);
  if (pull.frontend !== undefined) {
    world.frontendPulls[pull.frontend] = (world.frontendPulls[pull.frontend] ?? 0) + 1;
  }
  for (const node of nodesOf(pull)) {
    const pulls = world.underWay.get(node) ?? new Set();
    world.underWay.set(node, pulls.add(pull));
  }
}

/** Books the end of a pull, one way or the other. */
export function endPull(world: World, pull: Pull, state: TracedTransfer['state']): void {
  pull.stage = { phase: 'ended' };
  pull.traced.state = state;
  for (const node of nodesOf(pull)) {
    const pulls = world.underWay.get(node);
    pulls?.delete(pull);
    if (pulls?.size === 0) world.underWay.delete(node);
  }
}

/** The frontend with the fewest pulls whose last byte has not arrived; of equals the first. */
export function leastBusyFrontend({ frontendPulls }: World): number {
  let least = 0;
  for (const [frontend, pulls] of frontendPulls.entries()) {
    if (pulls < (frontendPulls[least] ?? 0)) least = frontend;
  }
  return least;
}

/** Pulls from and onto `node` that have not ended, as of now. */
export function pullsOf({ underWay }: World, node: string): Pull[] {
  return [...(underWay.get(node) ?? [])];
}

function nodesOf({ traced: { from, to } }: Pull): string[] {
  return to === FRONTEND ? [from] : [from, to];
}
