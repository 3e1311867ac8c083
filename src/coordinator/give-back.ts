import { nodeOf } from './facts.ts';
import type { Run } from './run.ts';

/** Release commands that run at once for nodes which an earlier part of the run had released. */
const MAX_OWED_AT_ONCE = 8;

/**
 * Runs the release command for a node, at least once: that it succeeded is in the journal only
 * afterwards, so a crash in between makes the continued run call it again. Its failure is reported.
 */
export async function giveBack(run: Run, node: string): Promise<void> {
  if (run.ports.onRelease === undefined) return;
  const failure = await run.ports.onRelease(node);
  if (failure === undefined) run.ports.journal.append({ type: 'given-back', node });
  else run.report(failure, { node });
}

/**
 * Gives back the nodes that an earlier part of the run had released, and not given back as far as the
 * journal knows, but for those that are asked back. To be called when that is decided.
 */
export function giveBackOwed(run: Run): void {
  const released = [...run.owed].filter((node) => nodeOf(run.facts, node).state === 'released');
  run.owed.clear();
  const nodes = released.values();
  for (let worker = 0; worker < Math.min(MAX_OWED_AT_ONCE, released.length); worker += 1) {
    run.inBackground(giveBackEach(run, nodes));
  }
}

async function giveBackEach(run: Run, nodes: Iterable<string>): Promise<void> {
  for (const node of nodes) {
    if (run.ports.signal.aborted) return;
    await giveBack(run, node);
  }
}
