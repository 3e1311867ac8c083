import { receives, sendsToFrontend, sendsToPeer } from './links.ts';
import { allTo, takesAll } from './berths.ts';
import type { ChosenDrain } from './drains.ts';
import type { State } from './state.ts';
import { FRONTEND } from './types.ts';

/** Cut-off nodes that are looked at before the next event. */
const MAX_CUT_OFF = 16;

/**
 * A way round for a node that cannot reach the frontend: a node that can takes all it has, even one
 * that the frontend is emptying. These are rare: all nodes that
 * could take it are looked at.
 */
export function chooseDetour(state: State): ChosenDrain | undefined {
  let tried = 0;
  for (const from of state.cutOff) {
    if (tried === MAX_CUT_OFF) break;
    const isIdle =
      !from.draining && !receives(from) && !sendsToPeer(from) && !sendsToFrontend(from);
    if (!isIdle || !from.listed || from.unrelayable > 0 || from.seated.size === 0) continue;
    tried += 1;
    for (const to of state.up) {
      const mayKeep = !to.draining && !receives(to) && (to.seated.size > 0 || !to.listed);
      if (mayKeep && !to.avoids.has(FRONTEND) && takesAll(to, from)) {
        return { from, berths: allTo(from, to) };
      }
    }
  }
  return undefined;
}
