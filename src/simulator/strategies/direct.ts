import { FRONTEND } from '../../planner/types.ts';
import { holders, type Books, type Choice } from './books.ts';
import { createRival, MAX_RIVAL_NODES } from './rival.ts';
import type { Strategy } from './strategy.ts';

/**
 * Every node sends from the moment it has joined, one of its images after the other, and the
 * network shares the frontend's link among them: scp from all nodes at once.
 */
export const allAtOnce: Strategy = direct({
  name: 'all-at-once',
  about: 'every node sends to the frontend from the start',
  senders: (nodeCount) => Math.max(1, nodeCount),
});

/** One node after the other, in the order in which they joined. */
export const serial: Strategy = direct({
  name: 'serial',
  about: 'one node after the other sends to the frontend',
  senders: () => 1,
});

interface DirectWay {
  readonly name: string;
  readonly about: string;
  /** Nodes that send at once, of so many. */
  readonly senders: (nodeCount: number) => number;
}

/** Without relays, so many nodes at once. */
function direct({ name, about, senders }: DirectWay): Strategy {
  return {
    name,
    about,
    counts: 'releases',
    maxNodes: MAX_RIVAL_NODES,
    optionsFor: (given, nodeCount) => ({ ...given, senders: senders(nodeCount) }),
    plannerFor: (options) => createRival(options, { nextPull, needed: holders }),
  };
}

function nextPull({ ledger, waiting, sendsToFrontend }: Books): Choice | undefined {
  if (sendsToFrontend.size >= ledger.senders) return undefined;
  for (const [from, [image]] of waiting) {
    if (image !== undefined && !sendsToFrontend.has(from)) return { image, from, to: FRONTEND };
  }
  return undefined;
}
