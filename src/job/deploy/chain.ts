import type { ErrorCode } from '../../base/error.ts';

/**
 * How one file goes from where it is to where it is not. Each node gets it from the one before it
 * in its chain, as it comes; so every link carries it once.
 */
export interface Chain {
  /** Who has the file at the start: a node, or the frontend. */
  readonly head: string;
  /** In order; the first gets it from the head. */
  readonly nodes: readonly string[];
}

export interface ChainTask {
  readonly frontend: string;
  /** In the order in which they should pass the file on. */
  readonly nodes: readonly string[];
  /** Nodes that have the file. */
  readonly holders: ReadonlySet<string>;
}

/**
 * The chains for one file: one from the frontend if no node has it, else one from each node that
 * does, equally long but for one. Pure.
 */
export function planChains({ frontend, nodes, holders }: ChainTask): Chain[] {
  const lacking = nodes.filter((node) => !holders.has(node));
  const having = nodes.filter((node) => holders.has(node));
  const heads = having.length === 0 ? [frontend] : having.slice(0, lacking.length);
  return heads.map((head, place) => {
    const begin = Math.floor((place * lacking.length) / heads.length);
    const end = Math.floor(((place + 1) * lacking.length) / heads.length);
    return { head, nodes: lacking.slice(begin, end) };
  });
}

/** What has gone wrong so far for one node and file. */
export interface Tried {
  /** From whom the node could not get the file, once for each try. */
  readonly sources: readonly string[];
  /** Nodes that will not have the file. */
  readonly lost: ReadonlySet<string>;
}

/** The frontend has the file for sure: it is asked more than once before a node is given up. */
const FRONTEND_TRIES = 3;

/**
 * From whom `node` is to get the file now: the nearest before it in its chain that may still bring
 * it, then the head, then the frontend. Undefined if there is nobody left. Pure.
 */
export function sourceOf(
  node: string,
  terms: { readonly chain: Chain; readonly frontend: string; readonly tried: Tried },
): string | undefined {
  const { chain, frontend, tried } = terms;
  const before = chain.nodes.slice(0, chain.nodes.indexOf(node)).toReversed();
  const nodes = [...before, chain.head].filter((name) => name !== frontend);
  const found = nodes.find((name) => !tried.lost.has(name) && !tried.sources.includes(name));
  if (found !== undefined) return found;
  if (tried.lost.has(frontend)) return undefined;
  const asked = tried.sources.filter((name) => name === frontend).length;
  return asked < FRONTEND_TRIES ? frontend : undefined;
}

/** Failures of the node that fetches; with all others, another source may do. */
const OWN_FAULTS = new Set<ErrorCode>([
  'no-room',
  'target-unwritable',
  'locked',
  'usage',
  'cancelled',
  'internal',
]);

/** Whether the node that fetches is to blame, and not the one that it fetches from. */
export function isOwnFault(code: ErrorCode): boolean {
  return OWN_FAULTS.has(code);
}
