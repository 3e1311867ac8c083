import { renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Clock, Entropy } from '../base/clock.ts';
import type { Failure } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';
import type { AgentLauncher } from '../control/channel.ts';
import { gather } from '../coordinator/gather.ts';
import { foldJournal, openJournal, readJournal } from '../coordinator/journal.ts';
import type { GatherOutcome, GatherPlan, RunObserver } from '../coordinator/ports.ts';
import type { Objective } from '../planner/types.ts';
import { renderHtml } from '../report/html.ts';
import { serialiseReport } from '../report/json.ts';
import type { RunReport } from '../report/record.ts';
import { createAuthority } from '../transfer/identity.ts';
import { reportOf } from './outcome.ts';
import { rivalCurves } from './rival-curves.ts';
import { openTarget } from './target.ts';

/** Tries for one image, over all senders and receivers, before it is given up. */
const MAX_ATTEMPTS = 5;

/** A gather as the commands ask for it: a plan without what the run itself makes up. */
export interface GatherRequest extends Omit<
  GatherPlan,
  'run' | 'startedMs' | 'targetKey' | 'resumption' | 'planner'
> {
  readonly objective: Objective;
  readonly maxHops: number;
  /** Start anew although an interrupted run into the same directory could be continued. */
  readonly fresh: boolean;
  /** Where the HTML report goes; null for `DIR/.kgetplus/report.html`. */
  readonly reportPath: string | null;
}

export interface GatherSystem {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly nodes: AgentLauncher;
  readonly frontend: AgentLauncher;
  readonly observer: RunObserver;
  onRelease(node: string): Promise<Failure | undefined>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface GatherResult {
  readonly report: RunReport;
  readonly outcome: GatherOutcome;
  readonly htmlReportPath: string;
}

/**
 * Runs a gather in its target directory: takes the directory, continues or starts the journal, gathers,
 * and writes the reports (not for a dry run).
 * @throws KgetError `target-unwritable`, `locked`
 */
export async function runGather(
  request: GatherRequest,
  system: GatherSystem,
): Promise<GatherResult> {
  const { clock, entropy } = system;
  const startedMs = clock.nowMs();
  const startedAt = new Date();
  using target = openTarget(request.targetDirectory);
  const { records, goodBytes } = readJournal(target.journalPath);
  const resumption = request.fresh ? undefined : foldJournal(records);
  const run = `${startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${entropy.hex(3)}`;
  const plan: GatherPlan = {
    ...request,
    planner: { objective: request.objective, maxHops: request.maxHops, maxAttempts: MAX_ATTEMPTS },
    run,
    startedMs,
    targetDirectory: target.directory,
    targetKey: target.key,
    resumption,
  };
  const keepBytes = resumption === undefined && !request.dryRun ? 0 : goodBytes;
  const journal = openJournal(target.journalPath, keepBytes);
  try {
    if (!request.dryRun) {
      journal.append({ type: 'run', run, startedAt: startedAt.toISOString() });
    }
    const authority = await createAuthority(startedAt);
    const outcome = await gather(plan, { ...system, journal, identify: authority.issue });
    const seconds = (clock.nowMs() - startedMs) / 1000;
    const report = reportOf(plan, outcome.facts, { startedAt: startedAt.toISOString(), seconds });
    const htmlReportPath = resolve(request.reportPath ?? target.htmlReportPath);
    if (!request.dryRun) {
      writeWhole(target.jsonReportPath, serialiseReport(report));
      writeWhole(htmlReportPath, renderHtml(report, rivalCurves(report)));
    }
    return { report, outcome, htmlReportPath };
  } finally {
    journal.close();
  }
}

/** Nobody sees a report half written. */
function writeWhole(path: string, text: string): void {
  makeDirectories(dirname(path));
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
