import type { Clock } from '../../base/clock.ts';
import { KgetError, toFailure, type Failure } from '../../base/error.ts';
import type { DeployedFile, HostCaller } from '../../control/host-calls.ts';
import { type DeployedNode, type FirstLook, openBooks } from './books.ts';
import { planChains } from './chain.ts';
import { deployFile } from './deploy-file.ts';

/** A host agent, and where it gives files to others. */
interface DeployPeer {
  readonly caller: HostCaller;
  readonly address: string;
  readonly port: number;
}

export interface DeployNode extends DeployPeer {
  readonly node: string;
}

/** Learns what happens while it does. */
interface DeployObserver {
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

export type { DeployedNode } from './books.ts';

export interface DeployReport {
  readonly seconds: number;
  readonly nodes: readonly DeployedNode[];
  /** Bytes of frames that nodes got from the frontend. */
  readonly frontendBytes: number;
}

/** A deployment of terabytes over a slow link ends some day, too. */
const DEPLOY_LIMIT_MS = 24 * 3600_000;

/** A node looks at what it has: it reads the indexes of these files. */
const PRESENT_LIMIT_MS = 60_000;

/** Each is a connection of its own between two nodes. */
const MAX_FILES = 32;

/**
 * Brings files to nodes, each node getting them from its neighbour; a node that fails does not stop
 * the others. @throws KgetError `usage` for too many files; never for the sake of a node
 */
export async function deploy(options: DeployOptions): Promise<DeployReport> {
  const { files, clock, observer, frontend } = options;
  if (files.length > MAX_FILES) {
    const found = `found ${files.length} files, wanted ${MAX_FILES} at most`;
    throw new KgetError('usage', `Cannot deploy: ${found}; pack them in an archive`);
  }
  const startMs = clock.nowMs();
  const endMs = startMs + (options.limitMs ?? DEPLOY_LIMIT_MS);
  const elapsedSeconds = (): number => (clock.nowMs() - startMs) / 1000;
  const { present, lost } = await lookAt(options);
  const books = openBooks({
    nodes: options.nodes.map(({ node }) => node),
    files,
    present,
    lost,
    elapsedSeconds,
    onSettled: (node) => observer?.settled?.(node),
  });
  const nodes = options.nodes.filter(({ node }) => present.has(node));
  let frontendBytes = 0;
  const bringing = files.map((file) =>
    deployFile(file, {
      ...options,
      nodes,
      endMs,
      chains: planChains({
        frontend: frontend.node,
        nodes: nodes.map(({ node }) => node),
        holders: new Set([...present].flatMap(([node, has]) => (has.has(file.digest) ? node : []))),
      }),
      onRelinked: (node, from, failure) => observer?.relinked?.(node, from, failure),
      onArrived(node, { from, wireBytes }) {
        if (from === frontend.node) frontendBytes += wireBytes;
        books.arrived(node, wireBytes);
      },
      onLost: (node, failure) => books.lost(node, failure),
    }),
  );
  await Promise.all(bringing);
  return { seconds: elapsedSeconds(), nodes: books.nodes(), frontendBytes };
}

/** Asks all nodes at once which of the files they have. */
async function lookAt({ files, nodes, signal }: DeployOptions): Promise<FirstLook> {
  const present = new Map<string, ReadonlySet<string>>();
  const lost = new Map<string, Failure>();
  const wanted = new Set(files.map(({ digest }) => digest));
  const terms = { limitMs: PRESENT_LIMIT_MS, signal };
  await Promise.all(
    nodes.map(async ({ node, caller }) => {
      try {
        const { digests } = await caller.call('present', { files: [...files] }, terms);
        present.set(node, new Set(digests.filter((digest) => wanted.has(digest))));
      } catch (error) {
        lost.set(node, toFailure(error));
      }
    }),
  );
  return { present, lost };
}
