import { touch, touchAll, type Node, type State } from './state.ts';

/** The node takes part no more. */
export function leave(state: State, node: Node, phase: 'released' | 'lost'): void {
  node.phase = phase;
  if (phase === 'released') state.releasedCount += 1;
  else state.lostCount += 1;
  state.up.delete(node);
  state.cutOff.delete(node);
  if (!node.listed) state.unlistedCount -= 1;
  if (node.stays) state.stayingCount -= 1;
  touch(state, node);
}

/** Nobody is waited for any more. */
export function assemble(state: State): void {
  state.assembled = true;
  state.keepersStale = true;
  touchAll(state);
}

/** The node will not be released. */
export function stay(state: State, node: Node): void {
  if (node.phase === 'up' && !node.stays) state.stayingCount += 1;
  node.stays = true;
  state.keepersStale = true;
  touch(state, node);
}
