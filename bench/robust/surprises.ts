import { createPlanner } from '../../src/planner/planner.ts';
import type { Blame, Planner, PlannerOptions } from '../../src/planner/types.ts';
import { uniformOf } from '../../src/simulator/chance.ts';
import type { Fault, Scenario } from '../../src/simulator/scenario.ts';
import { misinformed } from './misinformed.ts';

/** A cluster twice: as it surprises the planner, and as it would not. */
export interface Pair {
  readonly surprised: Attempt;
  readonly informed: Attempt;
}

export interface Attempt {
  readonly scenario: Scenario;
  readonly plannerFor: (options: PlannerOptions) => Planner;
}

/** A kind of surprise. */
export interface Surprise {
  readonly name: string;
  /** The same cluster and seed give the same pair. */
  readonly pairOf: (calm: Scenario, seed: number) => Pair;
}

/** Rates and sizes are drawn evenly from ± this part around what is promised. */
const SPREAD = 0.5;

/** Slots, each a second, in which nodes join late, and in which better sizes become known. */
const LATE_SECONDS = 4;

/** Of all transfers, so many fail. */
const FAILING_SHARE = 0.02;

/** Nodes times this: more pulls than a run makes. */
const PULLS_PER_NODE = 20;

const BLAMES: readonly Blame[] = ['source', 'target', 'link'];

/** What may be other than the planner was told, each by itself. */
export const SURPRISES: readonly Surprise[] = [
  { name: 'links ±50 %', pairOf: otherLinks },
  { name: 'sizes ±50 % at first', pairOf: otherSizes },
  { name: 'nodes join within 4 slots', pairOf: lateNodes },
  { name: '2 % of transfers fail', pairOf: failures },
];

/** Each rate, both ways and the frontend's, differs from its promise by itself. */
function otherLinks(calm: Scenario, seed: number): Pair {
  const next = uniformOf(`links ${seed}`);
  const near = (rate: number): number => rate * (1 + SPREAD * (2 * next() - 1));
  const { frontendBytesPerSecond } = calm;
  const nodes = calm.nodes.map((node) =>
    Object.assign({}, node, {
      upBytesPerSecond: near(node.upBytesPerSecond),
      downBytesPerSecond: near(node.downBytesPerSecond),
    }),
  );
  const actual = { ...calm, nodes, frontendBytesPerSecond: near(frontendBytesPerSecond) };
  const promised = nodes.map((node, place) => {
    const { upBytesPerSecond = 0, downBytesPerSecond = 0 } = calm.nodes[place] ?? {};
    return Object.assign({}, node, { promised: { upBytesPerSecond, downBytesPerSecond } });
  });
  const planner = { ...calm.planner, frontendBytesPerSecond };
  return {
    surprised: plain({ ...actual, nodes: promised, planner }),
    informed: plain(actual),
  };
}

/** The true size of an image is told when its first transfer starts, or some time before. */
function otherSizes(calm: Scenario, seed: number): Pair {
  const next = uniformOf(`sizes ${seed}`);
  const firstBytes = new Map<string, number>();
  const faults = calm.nodes
    .flatMap(({ images }) => images)
    .map(({ id, bytes }): Fault => {
      firstBytes.set(id, Math.round(bytes * (1 + SPREAD * (2 * next() - 1))));
      return { kind: 'sized', atSeconds: LATE_SECONDS * next(), image: id, bytes };
    });
  return {
    surprised: {
      scenario: { ...calm, faults },
      plannerFor: (options) => misinformed(createPlanner(options), firstBytes),
    },
    informed: plain(calm),
  };
}

/** Against a run in which all nodes are there from the start. */
function lateNodes(calm: Scenario, seed: number): Pair {
  const next = uniformOf(`joins ${seed}`);
  const nodes = calm.nodes.map((node) =>
    Object.assign({}, node, { joinSeconds: LATE_SECONDS * next() }),
  );
  return { surprised: plain({ ...calm, nodes }), informed: plain(calm) };
}

/** At some point of their way, and whoever is to blame. Against a run without failures. */
function failures(calm: Scenario, seed: number): Pair {
  const next = uniformOf(`failures ${seed}`);
  const faults: Fault[] = [];
  for (let ordinal = 1; ordinal <= calm.nodes.length * PULLS_PER_NODE; ordinal += 1) {
    const [isHit, share, blamed] = [next() < FAILING_SHARE, next(), next()];
    const blame = BLAMES[Math.floor(blamed * BLAMES.length)] ?? 'link';
    if (isHit) faults.push({ kind: 'transfer-fails', ordinal, share, blame });
  }
  return { surprised: plain({ ...calm, faults }), informed: plain(calm) };
}

function plain(scenario: Scenario): Attempt {
  return { scenario, plannerFor: createPlanner };
}
