import { toFailure } from '../base/error.ts';
import { unsafeImages } from './facts.ts';
import type { Run } from './run.ts';

/**
 * Settles what did not come to its end by itself: transfers that were cut off, nodes and images
 * that stay; and ends the journal, unless it is needed to go on.
 */
export function endFacts(run: Run, { interrupted }: { interrupted: boolean }): void {
  const { facts } = run;
  for (const transfer of facts.transfers.values()) {
    if (transfer.state === 'done' || transfer.state === 'failed') continue;
    transfer.state = 'failed';
    transfer.endSeconds ??= run.seconds();
  }
  const holders = new Set<string>();
  for (const image of unsafeImages(facts)) {
    image.state = 'missing';
    const spares = (run.spares.get(image.id) ?? []).map(({ holder }) => holder);
    for (const holder of [image.node, ...image.relayed.keys(), ...spares]) holders.add(holder);
  }
  for (const node of facts.nodes.values()) {
    if (node.state === 'released' || node.state === 'failed') continue;
    node.state = node.keepsMore || holders.has(node.name) ? 'held' : 'failed';
  }
  if (run.plan.dryRun || interrupted || isNeeded(run)) return;
  try {
    run.ports.journal.append({ type: 'end' });
  } catch (error) {
    run.report(toFailure(error), {});
  }
}

/**
 * Whether an image is missing whose node was released: only the journal tells where to look for it.
 */
function isNeeded({ facts, plan }: Run): boolean {
  const { resumption } = plan;
  const wasReleased = (node: string): boolean => {
    const state = facts.nodes.get(node)?.state;
    return state === undefined ? resumption?.released.has(node) === true : state === 'released';
  };
  const missing = unsafeImages(facts).map((image) => image.node);
  for (const [id, image] of resumption?.images ?? []) {
    if (!image.safe && !facts.images.has(id)) missing.push(image.node);
  }
  return missing.some(wasReleased);
}
