import { setImmediate as nextTurn } from 'node:timers/promises';
import { KgetError } from '../base/error.ts';
import type { RunFacts } from '../coordinator/facts.ts';
import type { NodeTerms } from '../coordinator/ports.ts';
import type { PlanReport } from '../report/plan-record.ts';
import { objectiveWord } from './objective.ts';
import { toKnownCluster } from './plan-cluster.ts';
import { forecast } from './plan-forecast.ts';
import { frontendLink } from './plan-links.ts';
import { plannerOptions, type PlanOptions, type PlanSubject } from './plan-options.ts';
import { foundParts } from './plan-outcome.ts';

/** Of these `auto` begins with one, and no measured rate makes it more. */
const AUTO_SENDERS = 1;

interface Asked extends Pick<PlanSubject, 'terms'> {
  readonly options: PlanOptions;
  /** The command line. */
  readonly command: string;
  readonly signal: AbortSignal;
}

/** The record of a forecast from what the nodes said. @throws KgetError `cancelled` */
export async function planReport(
  facts: RunFacts,
  { options, command, terms, signal }: Asked,
): Promise<PlanReport> {
  const { objective, maxHops, copies } = options;
  const senders = options.senders === 'auto' ? AUTO_SENDERS : options.senders;
  const cluster = toKnownCluster(facts, { options, terms });
  const { frontendBytesPerSecond } = cluster;
  const { bound, strategies, outcome } = await forecast(cluster, {
    planner: { ...plannerOptions(options), senders, frontendBytesPerSecond },
    async turn() {
      await nextTurn();
      if (signal.aborted) throw new KgetError('cancelled', 'The forecast was stopped');
    },
  });
  return {
    schema: 'kgetplus.plan/1',
    command,
    inputs: {
      objective: objectiveWord(objective),
      senders,
      maxHops,
      copies,
      frontendLink: frontendLink(facts, options),
      ...countTerms([...terms.nodeTerms.values()]),
    },
    bound,
    strategies: cluster.nodes.length === 0 ? [] : strategies,
    ...foundParts(facts, { cluster, outcome, options }),
  };
}

/** What was said of single nodes, in figures. */
function countTerms(
  terms: readonly NodeTerms[],
): Pick<PlanReport['inputs'], 'racks' | 'nodesFirst' | 'nodesKeepingNone'> {
  return {
    racks: new Set(terms.flatMap(({ rack }) => rack ?? [])).size,
    nodesFirst: terms.filter(({ deadline }) => deadline !== undefined).length,
    nodesKeepingNone: terms.filter(({ keepsNone }) => keepsNone === true).length,
  };
}
