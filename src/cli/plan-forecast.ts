import { releaseTimes, type ReleaseCurve } from '../planner/bound.ts';
import { FRONTEND, type PlannerOptions } from '../planner/types.ts';
import type { PlannedBound, PlannedStrategy } from '../report/plan-record.ts';
import { forecastBound, forecastScenario, type KnownCluster } from '../simulator/forecast.ts';
import type { Outcome } from '../simulator/scenario.ts';
import { allAtOnce, serial } from '../simulator/strategies/direct.ts';
import { kgetplus } from '../simulator/strategies/kgetplus.ts';
import { runStrategy } from '../simulator/strategies/run-strategy.ts';
import type { Strategy } from '../simulator/strategies/strategy.ts';
import { recordOf } from './simulate-run.ts';

/** They copy whole images, as scp does. */
const RIVALS: readonly Strategy[] = [serial, allAtOnce];

/** What a forecast comes to. */
export interface Forecast {
  readonly bound: PlannedBound;
  /** Kget+ first, then those that copy whole images, unless there are very many nodes. */
  readonly strategies: readonly PlannedStrategy[];
  /** What came of Kget+. */
  readonly outcome: Outcome;
}

/**
 * Runs the planner of production and its rivals on a known cluster. `turn` resolves between them:
 * signals are heard then, and it may throw.
 */
export async function forecast(
  cluster: KnownCluster,
  { planner, turn }: { readonly planner: PlannerOptions; readonly turn: () => Promise<void> },
): Promise<Forecast> {
  const { curve, frontendBytes } = forecastBound(cluster);
  const bound = { times: boundTimes(curve), curve: curve.points, frontendBytes };
  const foresee = (strategy: Strategy, moved: 'whole' | 'needed') => {
    const scenario = forecastScenario(cluster, { planner, moved });
    const run = runStrategy(strategy, scenario);
    const record = recordOf(run, { strategy, scenario, moved, bound: bound.times });
    return { outcome: run.outcome, strategy: { ...record, ...movedBytes(run.outcome) } };
  };
  await turn();
  const ours = foresee(kgetplus('kgetplus', planner.objective), 'needed');
  const rivals: PlannedStrategy[] = [];
  for (const rival of RIVALS.filter(({ maxNodes }) => cluster.nodes.length <= maxNodes)) {
    await turn();
    rivals.push(foresee(rival, 'whole').strategy);
  }
  return { bound, strategies: [ours.strategy, ...rivals], outcome: ours.outcome };
}

/** The last release is also when all images are there. */
function boundTimes(curve: ReleaseCurve): PlannedBound['times'] {
  const times = releaseTimes(curve);
  return { ...times, makespanSeconds: times.t100Seconds };
}

function movedBytes({ transfers }: Outcome): Pick<PlannedStrategy, 'frontendBytes' | 'peerBytes'> {
  let [frontendBytes, peerBytes] = [0, 0];
  for (const { to, bytes } of transfers) {
    if (to === FRONTEND) frontendBytes += bytes;
    else peerBytes += bytes;
  }
  return { frontendBytes, peerBytes };
}
