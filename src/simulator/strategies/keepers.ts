import { FRONTEND } from '../../planner/types.ts';
import { loadBytes, takes, type Books, type Choice } from './books.ts';
import { createRival, MAX_RIVAL_NODES, type Rival } from './rival.ts';
import type { Strategy } from './strategy.ts';

interface KeeperWay {
  readonly name: string;
  /** How many keepers, in words. */
  readonly words: string;
  /** Keepers of so many nodes. */
  readonly keeperCount: (nodeCount: number) => number;
}

/**
 * As soon as all nodes have named their images the most loaded become keepers, once and for all.
 * Every keeper takes the others' images, one at a time, and the frontend drains the others too, the
 * least loaded first, and the keepers after them. An image that failed waits for the frontend.
 */
export function fixedKeepers({ name, words, keeperCount }: KeeperWay): Strategy {
  return {
    name,
    about: `keepers, ${words}, take the images of all others while the frontend drains`,
    counts: 'releases',
    maxNodes: MAX_RIVAL_NODES,
    optionsFor: (given) => ({ ...given, maxHops: 1, copies: 1 }),
    plannerFor: (options) => createRival(options, withKeepers(keeperCount)),
  };
}

function withKeepers(keeperCount: KeeperWay['keeperCount']): Rival {
  let keepers: ReadonlySet<string> | undefined;
  return {
    nextPull(books): Choice | undefined {
      if (books.isComplete) keepers ??= chooseKeepers(books, keeperCount(books.expectedNodes));
      return pullToFrontend(books, keepers) ?? pullToKeeper(books, keepers);
    },
    needed: ({ places }) => new Set(places.values()),
  };
}

/** The most loaded that do not send already. */
function chooseKeepers(books: Books, count: number): Set<string> {
  const able = [...books.waiting.keys()].filter((node) => !books.sendsToFrontend.has(node));
  return new Set(byLoad(books, able).toReversed().slice(0, count));
}

function pullToFrontend(books: Books, keepers?: ReadonlySet<string>): Choice | undefined {
  if (books.sendsToFrontend.size >= books.ledger.senders) return undefined;
  const able = [...books.waiting.keys()].filter((node) => !books.sendsToFrontend.has(node));
  const ranked = byLoad(books, able).map((node) => ({
    node,
    rank: (keepers?.has(node) === true ? 2 : 0) + (books.sendsToPeer.has(node) ? 1 : 0),
  }));
  const from = ranked.sort((left, right) => left.rank - right.rank)[0]?.node;
  const image = books.waiting.get(from ?? '')?.[0];
  return from === undefined || image === undefined ? undefined : { image, from, to: FRONTEND };
}

function pullToKeeper(books: Books, keepers?: ReadonlySet<string>): Choice | undefined {
  const receivers = byLoad(
    books,
    [...(keepers ?? [])].filter((node) => !books.receives.has(node)),
  );
  if (receivers.length === 0) return undefined;
  for (const from of byLoad(books, [...books.waiting.keys()])) {
    const isBusy = books.sendsToFrontend.has(from) || books.sendsToPeer.has(from);
    if (isBusy || keepers?.has(from) === true) continue;
    const image = books.waiting.get(from)?.find((one) => hasNotFailed(books, one));
    const to = receivers.find((node) => image !== undefined && takes(books, node, image));
    if (image !== undefined && to !== undefined) return { image, from, to };
  }
  return undefined;
}

function hasNotFailed({ ledger }: Books, image: string): boolean {
  return ledger.images.get(image)?.failures === 0;
}

/** The least loaded first; of equals the one that joined first. */
function byLoad(books: Books, nodes: readonly string[]): string[] {
  const loads = new Map(nodes.map((node) => [node, loadBytes(books, node)]));
  return nodes.toSorted((left, right) => (loads.get(left) ?? 0) - (loads.get(right) ?? 0));
}
