import { allTo, takesAll } from './berths.ts';
import type { ChosenDrain } from './drains.ts';
import { receives, sendsToFrontend, sendsToPeer } from './links.ts';
import type { Node, State } from './state.ts';
import { FRONTEND } from './types.ts';

/** Nodes that are looked at as a way round for each that is cut off. */
const MAX_WAYS = 16;

/**
 * A way round for a node that cannot reach the frontend: a node that can takes all it has, even one
 * that the frontend is emptying.
 */
export function chooseDetour(state: State): ChosenDrain | undefined {
  const idle = [...state.cutOff].filter(isIdle);
  if (idle.length === 0) return undefined;
  const ways = waysRound(state);
  for (const from of idle) {
    const to = ways.find((way) => takesAll(way, from));
    if (to !== undefined) return { from, berths: allTo(from, to) };
  }
  return undefined;
}

function isIdle(node: Node): boolean {
  if (!node.listed || node.unrelayable > 0 || node.seated.size === 0) return false;
  return !node.draining && !receives(node) && !sendsToPeer(node) && !sendsToFrontend(node);
}

function waysRound(state: State): Node[] {
  const found: Node[] = [];
  for (const node of state.up) {
    if (found.length === MAX_WAYS) break;
    const mayKeep = !node.draining && !receives(node) && (node.seated.size > 0 || !node.listed);
    if (mayKeep && !node.avoids.has(FRONTEND)) found.push(node);
  }
  return found;
}
