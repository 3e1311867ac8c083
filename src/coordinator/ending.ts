import { toFailure } from '../base/error.ts';
import { unsafeImages } from './facts.ts';
import { markFailed } from './failed-transfer.ts';
import type { EndRecord } from './journal.ts';
import type { Run } from './run.ts';

/**
 * Settles what did not come to its end by itself: transfers that were cut off, nodes and images
 * that stay. Returns what ends the journal, unless that is needed to go on. `interrupted`: by the
 * user, or by a fault of the run's own.
 */
export function endFacts(
  run: Run,
  { interrupted }: { interrupted: boolean },
): EndRecord | undefined {
  const { facts } = run;
  for (const transfer of facts.transfers.values()) {
    if (transfer.state === 'done' || transfer.state === 'failed') continue;
    attempt(run, () => markFailed(run, transfer));
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
  if (run.plan.dryRun || interrupted || isNeeded(run)) return undefined;
  const nodes = [...facts.nodes.values()];
  const isComplete =
    unsafeImages(facts).length === 0 && nodes.every(({ state }) => state === 'released');
  const end = { type: 'end', seconds: run.seconds() } as const;
  return isComplete ? end : { ...end, incomplete: true };
}

/** The facts are settled although the journal cannot be written. */
function attempt(run: Run, work: () => void): void {
  try {
    work();
  } catch (error) {
    run.report(toFailure(error), {});
  }
}

/**
 * Whether an image is missing whose node was released: only the journal tells where to look for it.
 */
function isNeeded({ facts, plan, recalled }: Run): boolean {
  const { resumption } = plan;
  const wasReleased = (node: string): boolean => {
    const state = facts.nodes.get(node)?.state;
    // One that was asked back, and did not come, had been released.
    if (state === undefined) return resumption?.released.has(node) === true;
    return state === 'released' || recalled.has(node);
  };
  const missing = unsafeImages(facts).map((image) => image.node);
  for (const [id, image] of resumption?.images ?? []) {
    if (!image.safe && !facts.images.has(id)) missing.push(image.node);
  }
  return missing.some(wasReleased);
}
