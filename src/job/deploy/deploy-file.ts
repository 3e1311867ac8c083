import type { Clock } from '../../base/clock.ts';
import { KgetError, toFailure, type Failure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import { type Chain, isOwnFault, sourceOf } from './chain.ts';
import type { DeployNode } from './deploy.ts';

/** Tries of one node to get one file, whoever it is from. */
const MAX_TRIES = 8;

export interface DeployFileOptions {
  readonly chains: readonly Chain[];
  readonly frontend: DeployNode;
  /** All that the chains name. */
  readonly nodes: readonly DeployNode[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** When what is not there is given up. */
  readonly endMs: number;
  onRelinked(node: string, from: string, failure: Failure): void;
  onArrived(node: string, how: { readonly from: string; readonly wireBytes: number }): void;
  onLost(node: string, failure: Failure): void;
}

/**
 * Brings one file down its chains, all nodes at once: whoever has nothing to give yet makes the one
 * behind it wait. A node that cannot get it from its neighbour tries the one before that; what it
 * has, it keeps. Never rejects.
 */
export async function deployFile(file: DeployedFile, options: DeployFileOptions): Promise<void> {
  const { chains, frontend, clock, signal, endMs } = options;
  const peers = new Map([frontend, ...options.nodes].map((peer) => [peer.node, peer]));
  const lost = new Set<string>();

  async function bring(node: DeployNode, chain: Chain): Promise<void> {
    const sources: string[] = [];
    let failure: Failure | undefined;
    while (sources.length < MAX_TRIES) {
      forgetTheDead();
      const tried = { sources, lost };
      const from = sourceOf(node.node, { chain, frontend: frontend.node, tried });
      const peer = from === undefined ? undefined : peers.get(from);
      if (peer === undefined) break;
      if (failure !== undefined) options.onRelinked(node.node, sources.at(-1) ?? '', failure);
      try {
        const wireBytes = await fetchFrom(node, peer);
        return options.onArrived(node.node, { from: peer.node, wireBytes });
      } catch (error) {
        failure = toFailure(error);
        sources.push(peer.node);
        if (isFinal(node, failure)) break;
      }
    }
    lost.add(node.node);
    options.onLost(node.node, failure ?? toFailure(nobodyLeft(file, node.node)));
  }

  async function fetchFrom(node: DeployNode, peer: DeployNode): Promise<number> {
    const from = { node: peer.node, host: peer.address, port: peer.port };
    const limitMs = Math.max(endMs - clock.nowMs(), 0);
    const { wireBytes } = await node.caller.call('fetch', { file, from }, { limitMs, signal });
    return wireBytes;
  }

  function isFinal({ caller }: DeployNode, { code }: Failure): boolean {
    const isOver = signal.aborted || clock.nowMs() >= endMs;
    return isOver || caller.ended.aborted || isOwnFault(code);
  }

  function forgetTheDead(): void {
    for (const { node, caller } of peers.values()) if (caller.ended.aborted) lost.add(node);
  }

  const bringing = chains.flatMap((chain) =>
    chain.nodes.map(async (name) => {
      const node = peers.get(name);
      if (node !== undefined) await bring(node, chain);
    }),
  );
  await Promise.all(bringing);
}

function nobodyLeft({ digest }: DeployedFile, node: string): KgetError {
  return new KgetError(
    'unreachable',
    `Cannot bring file ${digest.slice(0, 12)} to ${node}: nobody that has it is left`,
  );
}
