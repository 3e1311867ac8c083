import type { Run } from './run.ts';

/** How long the planner is to expect nodes that are late, once the first has named its images. */
export const PATIENCE_MS = 5000;

/**
 * Tells the planner, once, when no more nodes are to be expected: all that were started have named
 * their images or failed. Called whenever one does.
 */
export function assembleIfComplete(run: Run): void {
  const states = [...run.facts.nodes.values()].map((node) => node.state);
  if (!states.includes('starting')) assemble(run);
}

/** Waits for the rest, but not for long. Called when a node has named its images. */
export function awaitAssembly(run: Run): void {
  if (run.assembly !== 'none') return;
  run.assembly = 'begun';
  run.inBackground(endPatience(run));
}

async function endPatience(run: Run): Promise<void> {
  await run.ports.clock.sleep(PATIENCE_MS, run.over);
  if (!run.over.aborted) assemble(run);
}

function assemble(run: Run): void {
  if (run.assembly === 'complete') return;
  run.assembly = 'complete';
  run.feed({ type: 'assembled' });
}
