import type { EndedVm, KnownJob } from '../run/known.ts';
import type { JobParts } from '../run/want-vm.ts';
import type { JobState } from './job-state.ts';

/** What the machines of a job are made from. */
export function partsOf({ job, spec, image, inputs }: JobState): JobParts {
  return { job, spec, image, inputs };
}

/** Where a command that takes a job up begins, by what its journal tells. Pure. */
export function knownJob(state: JobState): KnownJob {
  const { vms, cuts, released, givenBack, cancelledAt, finished } = state;
  const all = [...vms.values()];
  return {
    placements: all.map(({ vm, node }) => ({ vm, node })),
    ended: new Map(
      all.flatMap(({ vm, outcome, outputBytes, outputsDirectory }): [string, EndedVm][] => {
        // What is safe here is not looked for again.
        const left = outputsDirectory === null ? outputBytes : null;
        return outcome === null ? [] : [[vm, { outcome, outputBytes: left }]];
      }),
    ),
    released: new Set(released.keys()),
    owed: new Set([...released.keys()].filter((node) => !givenBack.has(node))),
    touched: new Set(
      all.flatMap(({ node, isBegun, moves }) => {
        const nodes = isBegun ? [node, ...moves.map(({ from }) => from)] : [];
        return nodes.filter((it) => !released.has(it));
      }),
    ),
    isCancelled: cancelledAt !== null,
    result: finished?.state ?? null,
    cut: cuts.findLast(({ run }) => run === null) ?? null,
    cuts: cuts.map(({ cut }) => cut),
    saved: new Set(cuts.flatMap((cut) => cut.vms.map(({ vm }) => vm))),
    started: new Set(
      all.flatMap(({ vm, stage }) => (stage === 'placed' || stage === 'created' ? [] : [vm])),
    ),
  };
}
