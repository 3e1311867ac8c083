import type { Planner, PlannerCommand, PlannerEvent, PlannerOptions } from '../../planner/types.ts';
import { applyToLedger, createLedger, goodCopies, type Ledger } from '../ledger.ts';
import { drawUp, type Books, type Choice } from './books.ts';

/** Rivals look at all nodes after every event. */
export const MAX_RIVAL_NODES = 1024;

/** What tells rivals apart. */
export interface Rival {
  /** The next pull to begin at this moment, if there is one. */
  readonly nextPull: (books: Books) => Choice | undefined;
  /** Nodes that must not be released yet, even if nothing moves from or to them. */
  readonly needed: (books: Books) => ReadonlySet<string>;
}

/** News after which an image may have no copy or no try left. */
const BAD_NEWS: ReadonlySet<PlannerEvent['type']> = new Set(['failed', 'spoiled', 'lost']);

/**
 * A planner for a rival. It keeps the plain ledger that checkers keep as well, a second one: after
 * every event it gives up what is hopeless, begins what pulls the rival wants, and releases whoever
 * is not needed. A failed pull may begin again at once, until the image's tries are used up.
 */
export function createRival(options: PlannerOptions, rival: Rival): Planner {
  const ledger = createLedger(options);
  let expectedNodes = 0;
  return {
    handle(event): readonly PlannerCommand[] {
      if (event.type === 'expected') expectedNodes = event.nodes;
      applyToLedger(ledger, event);
      const commands: PlannerCommand[] = [];
      const issue = (command: PlannerCommand): void => {
        applyToLedger(ledger, command);
        commands.push(command);
      };
      if (BAD_NEWS.has(event.type)) giveUps(ledger, options).forEach(issue);
      let books = drawUp(ledger, expectedNodes);
      for (let next = rival.nextPull(books); next !== undefined; next = rival.nextPull(books)) {
        issue({ type: 'pull', transfer: `t${ledger.transfers.size + 1}`, ...next });
        books = drawUp(ledger, expectedNodes);
      }
      releases(ledger, rival.needed(books)).forEach(issue);
      return commands;
    },
    idle: () => isIdle(ledger),
  };
}

function giveUps(ledger: Ledger, { maxAttempts }: PlannerOptions): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const [image, { safe, givenUp, underWay, failures }] of ledger.images) {
    if (safe || givenUp || underWay.size > 0) continue;
    const hasCopy = goodCopies(ledger, image) > 0;
    if (hasCopy && failures < maxAttempts) continue;
    commands.push({ type: 'give-up', image, reason: hasCopy ? 'attempts' : 'no-copy' });
  }
  return commands;
}

function releases(ledger: Ledger, needed: ReadonlySet<string>): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const [id, { phase, listed, stays, outgoing, incoming }] of ledger.nodes) {
    const isBusy = outgoing.size > 0 || incoming.size > 0;
    if (phase !== 'up' || !listed || stays || isBusy || needed.has(id)) continue;
    commands.push({ type: 'release', node: id });
  }
  return commands;
}

function isIdle({ images, nodes }: Ledger): boolean {
  for (const { safe, givenUp, underWay } of images.values()) {
    if (underWay.size > 0 || (!safe && !givenUp)) return false;
  }
  for (const { phase, listed } of nodes.values()) if (phase === 'up' && !listed) return false;
  return true;
}
