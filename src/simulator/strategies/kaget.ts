import { FRONTEND } from '../../planner/types.ts';
import { holders, takes, type Books, type Choice } from './books.ts';
import { createRival, MAX_RIVAL_NODES, type Rival } from './rival.ts';
import type { Strategy } from './strategy.ts';
import { placesAbove } from './tree.ts';

/** Children of the frontend, and of each relay: three times TakTuk's window of ten connections. */
const ARITY = 30;

/**
 * `kaget` 1.2 as it comes, over a tree that TakTuk 3.7 deploys. What is known of the tool (its
 * manual and source):
 *
 * - Nothing is sent before all nodes are up: commands wait until the tree is numbered.
 * - Every node sends its own file to its parent first, and behind it, in the order in which they
 *   come, those of the nodes below it. All children of the frontend send at once.
 *
 * What is assumed:
 *
 * - The tree: `arity` children for the frontend and each relay, level by level. The real one comes
 *   of work stealing and differs from run to run; its root opens ten connections at a time, and
 *   opens more as they succeed.
 * - Files move whole: a relay has all of a file before it passes it on, and takes one at a time.
 *   The real one passes on parts of 16 KiB behind all that it has queued, so that files of
 *   siblings arrive interleaved, about together.
 * - A file goes past a relay that is gone or has no room, and a failed transfer is tried again. The
 *   real one holds files in memory, and is not known to do either.
 *
 * Calibration: the arity alone, by 64 nodes with 16 MiB each at 2.39 MB/s (a slot of 7.0 s) that
 * are up after 18.6 s. Measured: a mean of 343 s, 50 % at 418 s, 80 % at 468 s, all at 476 s. This
 * model: 343, 440, 440 and 468 s. With 29 to 31 children all four are within 10 %, with 20 half
 * would be there after 299 s: the real tree may have fewer, since its parts are interleaved. Up to
 * `arity` nodes the model is copying all at once.
 *
 * A relay is released when nothing comes through it any more. The measured figures count a node
 * from the arrival of its own file on, though its relay must stay: hence `arrivals`.
 */
export function kaget(arity: number = ARITY): Strategy {
  return {
    name: 'kaget',
    about: 'images go to the frontend through a tree of relays, all branches at once',
    counts: 'arrivals',
    maxNodes: MAX_RIVAL_NODES,
    optionsFor: (given, nodeCount) => ({
      ...given,
      // Nobody limits them. The checker reports that the frontend could take more, and so it could.
      senders: Math.max(1, nodeCount),
      copies: 1,
      maxHops: placesAbove(Math.max(0, nodeCount - 1), arity).length,
    }),
    plannerFor: (options) => createRival(options, throughTree(arity)),
  };
}

function throughTree(arity: number): Rival {
  return {
    nextPull: (books) => (books.isComplete ? nextHop(books, arity) : undefined),
    needed: (books) => neededRelays(books, arity),
  };
}

function nextHop(books: Books, arity: number): Choice | undefined {
  const above = ancestors(books, arity);
  for (const [from, [image]] of books.waiting) {
    if (image === undefined || books.sendsToFrontend.has(from) || books.sendsToPeer.has(from)) {
      continue;
    }
    const to = above(from).find((node) => takes(books, node, image)) ?? FRONTEND;
    if (!books.receives.has(to)) return { image, from, to };
  }
  return undefined;
}

/** Holders and all nodes above an image; before the tree is complete, all nodes. */
function neededRelays(books: Books, arity: number): ReadonlySet<string> {
  const { ledger, places, isComplete } = books;
  if (!isComplete) return new Set(ledger.nodes.keys());
  const above = ancestors(books, arity);
  const needed = holders(books);
  for (const [image, node] of places) {
    if (ledger.images.get(image)?.givenUp === true) continue;
    for (const relay of above(node)) needed.add(relay);
  }
  return needed;
}

/** For each node the nodes on its way to the frontend, its parent first. */
function ancestors({ ledger }: Books, arity: number): (node: string) => string[] {
  const ids = [...ledger.nodes.keys()];
  const places = new Map(ids.map((id, place) => [id, place]));
  return (node) => placesAbove(places.get(node) ?? 0, arity).flatMap((place) => ids[place] ?? []);
}
