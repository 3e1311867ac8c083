import type { Node, State } from './state.ts';
import { removeCopy, reseat } from './copies.ts';
import type { PlannerCommand } from './types.ts';

/**
 * True if the run needs nothing from `node`: all its images are named, none of its copies counts,
 * and no transfer from or to it is under way. Holders of images that were given up stay.
 */
function isReleasable(node: Node): boolean {
  if (!node.listed || node.stays || node.outgoing.size > 0 || node.incoming.size > 0) return false;
  for (const copy of node.copies.values()) if (copy.image.main === copy) return false;
  return true;
}

/** Releases every node that can be. */
export function releaseNodes(state: State): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const node of state.up) {
    if (!isReleasable(node)) continue;
    node.phase = 'released';
    state.releasedCount += 1;
    state.up.delete(node);
    for (const copy of node.copies.values()) removeCopy(copy);
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
    if (image.state !== 'waiting' || image.transfer !== undefined) continue;
    const hasCopy = image.main !== undefined;
    if (hasCopy && image.failures < state.options.maxAttempts) continue;
    image.state = 'given-up';
    state.waitingCount -= 1;
    reseat(image);
    if (image.main !== undefined) image.main.node.stays = true;
    commands.push({ type: 'give-up', image: image.id, reason: hasCopy ? 'attempts' : 'no-copy' });
  }
  state.doubtful.clear();
  return commands;
}
