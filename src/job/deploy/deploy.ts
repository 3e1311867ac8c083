import type { Clock } from '../../base/clock.ts';
import { KgetError, toFailure, type Failure } from '../../base/error.ts';
import type { DeployedFile, HostCaller } from '../../control/host-calls.ts';
import { planChains } from './chain.ts';
import { deployFile } from './deploy-file.ts';

/** A host agent, and where it gives files to others. */
export interface DeployPeer {
  readonly caller: HostCaller;
  readonly address: string;
  readonly port: number;
}

export interface DeployNode extends DeployPeer {
  readonly node: string;
}

/** Learns what happens while it does. */
export interface DeployObserver {
  /** A node could not get a file from `from`, and is to have it from elsewhere. */
  relinked?(node: string, from: string, failure: Failure): void;
  /** A node has all files, or will not have them. */
  settled?(node: DeployedNode): void;
}

export interface DeployOptions {
  /** What the nodes are to have; the frontend serves it already. */
  readonly files: readonly DeployedFile[];
  readonly frontend: DeployPeer & { readonly node: string };
  /** In the order in which they pass files on. */
  readonly nodes: readonly DeployNode[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly observer?: DeployObserver;
  /** For everything; `DEPLOY_LIMIT_MS` if left out. */
  readonly limitMs?: number;
}

/** What came of one node. */
export interface DeployedNode {
  readonly node: string;
  /** Bytes of frames that it got over the network, the last try of each file. */
  readonly wireBytes: number;
  /** From the start of the deployment until it had everything, verified and durable. */
  readonly seconds: number;
  /** Files that it had before. */
  readonly filesPresent: number;
  /** Why files are missing there. */
  readonly failure?: Failure;
}

export interface DeployReport {
  readonly seconds: number;
  readonly nodes: readonly DeployedNode[];
  /** Bytes of frames that nodes got from the frontend. */
  readonly frontendBytes: number;
}

/** A deployment of terabytes over a slow link ends some day, too. */
export const DEPLOY_LIMIT_MS = 24 * 3600_000;

/** A node looks at what it has: it reads the indexes of these files. */
const PRESENT_LIMIT_MS = 60_000;

/** Each is a connection of its own between two nodes. */
const MAX_FILES = 32;

/**
 * Brings files to nodes, each node getting them from its neighbour; a node that fails does not stop
 * the others. @throws KgetError `usage` for too many files; never for the sake of a node
 */
export async function deploy(options: DeployOptions): Promise<DeployReport> {
  const { files, nodes, clock, observer } = options;
  if (files.length > MAX_FILES) {
    const most = `found ${files.length} files, wanted ${MAX_FILES} at most; pack them in an archive`;
    throw new KgetError('usage', `Cannot deploy: ${most}`);
  }
  const startMs = clock.nowMs();
  const endMs = startMs + (options.limitMs ?? DEPLOY_LIMIT_MS);
  const present = new Map<string, ReadonlySet<string>>();
  const lost = new Map<string, Failure>();
  await Promise.all(
    nodes.map(async (node) => {
      try {
        present.set(node.node, await presentOn(node, options));
      } catch (error) {
        lost.set(node.node, toFailure(error));
      }
    }),
  );
  const living = nodes.filter(({ node }) => !lost.has(node));
  const chainsOf = ({ digest }: DeployedFile): ReturnType<typeof planChains> =>
    planChains({
      frontend: options.frontend.node,
      nodes: living.map(({ node }) => node),
      holders: new Set(
        living.map(({ node }) => node).filter((node) => present.get(node)?.has(digest)),
      ),
    });
  const books = new Map(nodes.map(({ node }) => [node, openBook(node, { lost, files, present })]));
  let frontendBytes = 0;

  function settle(node: string): void {
    const book = books.get(node);
    if (book === undefined || book.missing > 0) return;
    book.seconds = (clock.nowMs() - startMs) / 1000;
    observer?.settled?.(closed(book));
  }
  for (const { node } of nodes) settle(node);
  await Promise.all(
    files.map((file) =>
      deployFile(file, {
        ...options,
        nodes: living,
        chains: chainsOf(file),
        endMs,
        onRelinked: (node, from, failure) => observer?.relinked?.(node, from, failure),
        onArrived(node, { from, wireBytes }) {
          const book = books.get(node);
          if (book === undefined) return;
          book.missing -= 1;
          book.wireBytes += wireBytes;
          if (from === options.frontend.node) frontendBytes += wireBytes;
          settle(node);
        },
        onLost(node, failure) {
          const book = books.get(node);
          if (book === undefined) return;
          book.missing -= 1;
          book.failure ??= failure;
          settle(node);
        },
      }),
    ),
  );
  const seconds = (clock.nowMs() - startMs) / 1000;
  return { seconds, nodes: [...books.values()].map(closed), frontendBytes };
}

/** A node's record as it is written. */
interface Book {
  readonly node: string;
  readonly filesPresent: number;
  /** Files that are neither there nor given up. */
  missing: number;
  wireBytes: number;
  seconds: number;
  failure: Failure | undefined;
}

function openBook(
  node: string,
  facts: {
    readonly lost: ReadonlyMap<string, Failure>;
    readonly files: readonly DeployedFile[];
    readonly present: ReadonlyMap<string, ReadonlySet<string>>;
  },
): Book {
  const failure = facts.lost.get(node);
  const filesPresent = facts.present.get(node)?.size ?? 0;
  const missing = failure === undefined ? facts.files.length - filesPresent : 0;
  return { node, filesPresent, missing, wireBytes: 0, seconds: 0, failure };
}

function closed({ node, filesPresent, wireBytes, seconds, failure }: Book): DeployedNode {
  return { node, filesPresent, wireBytes, seconds, ...(failure !== undefined && { failure }) };
}

async function presentOn(
  { caller }: DeployNode,
  { files, signal }: DeployOptions,
): Promise<ReadonlySet<string>> {
  const limits = { limitMs: PRESENT_LIMIT_MS, signal };
  const { digests } = await caller.call('present', { files: [...files] }, limits);
  const wanted = new Set(files.map(({ digest }) => digest));
  return new Set(digests.filter((digest) => wanted.has(digest)));
}
