import { nodeOf } from './facts.ts';
import type { Run } from './run.ts';

/**
 * Tells the planner that a node has named all its images: from then on it may be released. Not while
 * its spool keeps a copy from an earlier run of an image whose own node has not answered yet: should
 * that one be gone, the copy is the last. Called whenever a node has answered.
 */
export function tellListed(run: Run): void {
  const keepers = keepersForUnheard(run);
  for (const name of run.withheld) {
    if (keepers.has(name)) continue;
    run.withheld.delete(name);
    if (nodeOf(run.facts, name).state === 'working') run.feed({ type: 'listed', node: name });
  }
}

/** Has a node not released by this run: what is on it may be needed. */
export function holdNode(run: Run, name: string): void {
  nodeOf(run.facts, name).keepsMore = true;
  run.feed({ type: 'stays', node: name });
}

function keepersForUnheard({ spares, facts }: Run): Set<string> {
  const kept = [...spares.values()].flat();
  const unheard = kept.filter(({ image }) => facts.nodes.get(image.node)?.state === 'starting');
  return new Set(unheard.map(({ holder }) => holder));
}
