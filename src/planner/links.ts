import type { Node, Replica, State } from './state.ts';

/** True while some byte leaves `node` for another node. */
export function sendsToPeer(node: Node): boolean {
  for (const transfer of node.outgoing) {
    if (transfer.phase === 'moving' && transfer.to !== undefined) return true;
  }
  return false;
}

/** True while some byte leaves `node` for the frontend. */
export function sendsToFrontend(node: Node): boolean {
  for (const transfer of node.outgoing) {
    if (transfer.phase === 'moving' && transfer.to === undefined) return true;
  }
  return false;
}

/** True while some byte comes to `node`, or its next is agreed on. */
export function receives(node: Node): boolean {
  if (node.sources.size > 0 || node.awaited.size > 0) return true;
  for (const transfer of node.incoming) if (transfer.phase === 'moving') return true;
  return false;
}

/**
 * What should go from `node` to the frontend next: the one that failed least, then the first that
 * came.
 */
export function nextReplica({ options }: State, node: Node): Replica | undefined {
  let best: Replica | undefined;
  for (const replica of node.seated) {
    const { image, transfer } = replica;
    if (transfer !== undefined || image.frontendPull !== undefined) continue;
    if (image.failures >= options.maxAttempts) continue;
    if (faultsOf(replica) === 0) return replica;
    if (best === undefined || faultsOf(replica) < faultsOf(best)) best = replica;
  }
  return best;
}

/** How often the image failed, and how often the copy did. */
function faultsOf({ image, main }: Replica): number {
  return image.failures + (main?.faults ?? 0);
}
