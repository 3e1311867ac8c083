import { releaseTimes, type ReleaseCurve } from '../planner/bound.ts';
import type { Objective, PlannerOptions } from '../planner/types.ts';
import type {
  BoundRecord,
  SimulatedTimes,
  StrategyRecord,
  TimesBound,
} from '../report/simulation-record.ts';
import { clusterBound, clusterScenario, type Cluster, type Moved } from '../simulator/cluster.ts';
import type { Scenario } from '../simulator/scenario.ts';
import { kgetplus } from '../simulator/strategies/kgetplus.ts';
import { runStrategy, type StrategyRun } from '../simulator/strategies/run-strategy.ts';
import { STRATEGIES } from '../simulator/strategies/strategies.ts';
import type { Strategy } from '../simulator/strategies/strategy.ts';
import { objectiveWord } from './objective.ts';

const OURS = 'kgetplus';

/** Tools that know neither zeros nor what the frontend has. The others are plans for our agents. */
const WHOLE_IMAGES: ReadonlySet<string> = new Set(['all-at-once', 'serial', 'kaget']);

/** The strategies to choose from: Kget+ with this objective, or as it comes with two. */
export function strategiesFor(objective: Objective | undefined): readonly Strategy[] {
  if (objective === undefined) return STRATEGIES;
  const suffix = objective.kind === 'mean' ? '' : ` ${objectiveWord(objective)}`;
  return [kgetplus(`${OURS}${suffix}`, objective), ...STRATEGIES.filter((one) => !isOurs(one))];
}

/** Those that are quick enough with so many nodes, and the names of the others. */
export function quickEnough(
  strategies: readonly Strategy[],
  nodes: number,
): { readonly chosen: readonly Strategy[]; readonly leftOut: readonly string[] } {
  const slow = strategies.filter(({ maxNodes }) => nodes > maxNodes);
  return {
    chosen: strategies.filter((one) => !slow.includes(one)),
    leftOut: slow.map(({ name }) => name),
  };
}

function isOurs({ name }: Strategy): boolean {
  return name.startsWith(OURS);
}

/** The bound of a cluster; its last release is also when all images are there. */
export function simulateBound(cluster: Cluster): BoundRecord {
  const curve = clusterBound(cluster);
  const times = releaseTimes(curve);
  return { times: { ...times, makespanSeconds: times.t100Seconds }, curve: curve.points };
}

/** One strategy on a cluster, beside the bound's times. */
export function simulateStrategy(
  strategy: Strategy,
  cluster: Cluster,
  { planner, bound }: { readonly planner: PlannerOptions; readonly bound: SimulatedTimes },
): StrategyRecord {
  const moved = WHOLE_IMAGES.has(strategy.name) ? 'whole' : 'needed';
  const scenario = clusterScenario(cluster, { planner, moved });
  return recordOf(runStrategy(strategy, scenario), { strategy, scenario, moved, bound });
}

/** What came of a strategy in a scenario, beside the bound's times. */
export function recordOf(
  { outcome, curve }: StrategyRun,
  {
    strategy,
    scenario: { nodes },
    moved,
    bound,
  }: {
    readonly strategy: Strategy;
    readonly scenario: Scenario;
    readonly moved: Moved;
    readonly bound: SimulatedTimes;
  },
): StrategyRecord {
  const isComplete = outcome.safeImages.size === nodes.flatMap(({ images }) => images).length;
  const makespanSeconds = isComplete ? outcome.makespanSeconds : null;
  const times = { ...completeTimes(curve, nodes.length), makespanSeconds };
  return {
    name: strategy.name,
    about: strategy.about,
    isOurs: isOurs(strategy),
    counts: strategy.counts,
    moved,
    times,
    timesBound: timesBound(times, bound),
    curve: curve.points,
  };
}

/** A mean of some nodes only would flatter. */
function completeTimes(curve: ReleaseCurve, nodes: number): ReturnType<typeof releaseTimes> {
  const times = releaseTimes(curve);
  return curve.points.length === nodes ? times : { ...times, meanReleaseSeconds: null };
}

function timesBound(times: SimulatedTimes, bound: SimulatedTimes): TimesBound {
  return {
    t50: ratio(times.t50Seconds, bound.t50Seconds),
    t80: ratio(times.t80Seconds, bound.t80Seconds),
    t100: ratio(times.t100Seconds, bound.t100Seconds),
    meanRelease: ratio(times.meanReleaseSeconds, bound.meanReleaseSeconds),
    makespan: ratio(times.makespanSeconds, bound.makespanSeconds),
  };
}

function ratio(seconds: number | null, boundSeconds: number | null): number | null {
  if (seconds === null || boundSeconds === null || boundSeconds === 0) return null;
  return seconds / boundSeconds;
}
