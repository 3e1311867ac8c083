import { removeCopy, reseat } from './copies.ts';
import { endDrain } from './drains.ts';
import { leave, stay } from './taking-part.ts';
import type { Node, State } from './state.ts';
import type { PlannerCommand } from './types.ts';

/**
 * True if the run needs nothing from `node`: all its images are named, none of its copies counts,
 * and no transfer from or to it is under way. Holders of images that were given up stay.
 */
function isReleasable(node: Node): boolean {
  if (node.phase !== 'up' || !node.listed || node.stays) return false;
  return node.outgoing.size === 0 && node.incoming.size === 0 && node.mainCount === 0;
}

/** Releases every node that can be, of those that something happened to. */
export function releaseNodes(state: State): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const node of state.touched) {
    if (!isReleasable(node)) continue;
    leave(state, node, 'released');
    // Better released than filled again.
    for (const { seat } of node.awaited) if (seat !== undefined) endDrain(state, seat);
    for (const copy of node.copies.values()) removeCopy(state, copy);
    commands.push({ type: 'release', node: node.id });
  }
  return commands;
}

/**
 * Gives up images without a copy, and those whose tries are used up. An image under way waits for
 * the end of its transfer: its copy may yet be good.
 */
export function giveUpImages(state: State): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const image of state.doubtful) {
    const isUnderWay = image.replicas.some(({ transfer }) => transfer !== undefined);
    if (image.state !== 'waiting' || isUnderWay) continue;
    const hasCopy = image.copies.size > 0;
    if (hasCopy && image.failures < state.options.maxAttempts) continue;
    image.state = 'given-up';
    state.waitingCount -= 1;
    for (const replica of image.replicas) {
      reseat(state, replica);
      if (replica.main !== undefined) stay(state, replica.main.node);
    }
    commands.push({ type: 'give-up', image: image.id, reason: hasCopy ? 'attempts' : 'no-copy' });
  }
  state.doubtful.clear();
  return commands;
}
