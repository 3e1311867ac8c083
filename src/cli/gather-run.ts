import { resolve } from 'node:path';
import type { Clock, Entropy } from '../base/clock.ts';
import { toFailure, type Failure } from '../base/error.ts';
import type { AgentLauncher } from '../control/channel.ts';
import { gather } from '../coordinator/gather.ts';
import { openJournal, readJournal } from '../coordinator/journal-file.ts';
import { type EndRecord, type Journal, NO_JOURNAL } from '../coordinator/journal.ts';
import type { JournalContents } from '../coordinator/journal-lines.ts';
import type { GatherOutcome, GatherPlan, RunObserver } from '../coordinator/ports.ts';
import type { Objective } from '../planner/types.ts';
import { renderHtml } from '../report/html.ts';
import { serialiseReport } from '../report/json.ts';
import type { RunReport } from '../report/record.ts';
import { createAuthority } from '../transfer/identity.ts';
import { elapsedSeconds, withEarlierPart } from './earlier-part.ts';
import { reportOf } from './outcome.ts';
import { writeReportFile } from './report-file.ts';
import { commandRecord, nothingToResume, resumptionFor, resumptionText } from './resumption.ts';
import { rivalCurves } from './rival-curves.ts';
import type { Layout } from './layout.ts';
import { runName } from './run-name.ts';
import { openTarget } from './target.ts';

/** Tries for one image, over all senders and receivers, before it is given up. */
export const MAX_ATTEMPTS = 5;
/** More relays than this never pay: pairing needs one per doubling of the number of nodes. */
export const MAX_HOPS = 64;

/** For a run that does not look at what came before. */
const NOTHING: JournalContents = { records: [], goodBytes: 0 };

/** A gather as the commands ask for it: a plan without what the run itself makes up. */
export interface GatherRequest extends Omit<
  GatherPlan,
  'run' | 'startedMs' | 'target' | 'targetKey' | 'resumption' | 'planner'
> {
  readonly targetDirectory: string;
  readonly layout: Layout;
  /** The words of the command, for the manifest and the journal. */
  readonly command: readonly string[];
  readonly objective: Objective;
  readonly maxHops: number;
  readonly copies: number;
  /** Start anew although an interrupted run into the same directory could be continued. */
  readonly fresh: boolean;
  /** Do nothing unless there is one. */
  readonly mustContinue?: boolean;
  /** Where the HTML report goes; null for `DIR/.kgetplus/report.html`. */
  readonly reportPath: string | null;
}

export interface GatherSystem {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly nodes: AgentLauncher;
  readonly frontend: AgentLauncher;
  readonly observer: RunObserver;
  onRelease?(node: string): Promise<Failure | undefined>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface GatherResult {
  readonly report: RunReport;
  readonly outcome: GatherOutcome;
  /** Undefined if none could be written. */
  readonly htmlReportPath: string | undefined;
}

/**
 * Runs a gather in its target directory: takes the directory, continues or starts the journal,
 * gathers, and writes the reports (not for a dry run).
 * @throws KgetError `target-unwritable`, `locked`; `corrupt`, `version` for a journal that cannot be
 * read; `usage` if there is nothing to continue and it must be
 */
export async function runGather(
  request: GatherRequest,
  system: GatherSystem,
): Promise<GatherResult> {
  const { clock, entropy } = system;
  const openedMs = clock.nowMs();
  const openedAt = new Date();
  using target = openTarget(request.targetDirectory);
  const { patterns, fresh, layout } = request;
  const { directory } = target;
  const { records, goodBytes } = fresh ? NOTHING : readJournal(target.journalPath);
  const resumption = await resumptionFor(records, {
    patterns,
    directory,
    layout,
    incomplete: request.mustContinue,
  });
  if (resumption === undefined && request.mustContinue) throw nothingToResume(directory, records);
  if (resumption !== undefined) system.observer.notice('run', resumptionText(resumption));
  const run = resumption?.run ?? runName(openedAt, entropy);
  const place = { directory, run };
  const startedAt = resumption?.startedAt ?? openedAt.toISOString();
  const words = { startedAt, command: request.command };
  const plan: GatherPlan = {
    ...request,
    planner: {
      objective: request.objective,
      maxHops: request.maxHops,
      maxAttempts: MAX_ATTEMPTS,
      copies: request.copies,
    },
    run,
    startedMs: openedMs - elapsedSeconds(resumption, openedAt.getTime()) * 1000,
    target: layout.target(place),
    targetKey: target.key,
    resumption,
  };
  const keepBytes = resumption === undefined ? 0 : goodBytes;
  const journal = request.dryRun ? NO_JOURNAL : openJournal(target.journalPath, keepBytes);
  try {
    journal.append(commandRecord(request, { run, startedAt: openedAt.toISOString() }));
    if (!request.dryRun) await layout.begin(place, words);
    const authority = await createAuthority(openedAt);
    const part = await gather(plan, { ...system, journal, identify: authority.issue });
    const facts = request.dryRun ? part.facts : withEarlierPart(part.facts, resumption);
    const outcome = { ...part, facts };
    if (!request.dryRun) await layout.end(place, words, outcome);
    const htmlPath = resolve(request.reportPath ?? target.htmlReportPath);
    const seconds = (clock.nowMs() - plan.startedMs) / 1000;
    const report = reportOf(plan, outcome.facts, { startedAt, seconds });
    const files = [
      { path: target.jsonReportPath, text: () => serialiseReport(report) },
      { path: htmlPath, text: () => renderHtml(report, rivalCurves(report)) },
    ];
    const written = request.dryRun ? [] : files.filter((file) => writeReport(file, system));
    const htmlReportPath = written.find(({ path }) => path === htmlPath)?.path;
    if (outcome.end !== undefined) endJournal(journal, outcome.end, system);
    return { report, outcome, htmlReportPath };
  } finally {
    journal.close();
  }
}

/** What cannot be ended is continued by the next run, which finds that nothing is left to do. */
function endJournal(journal: Journal, end: EndRecord, { observer }: GatherSystem): void {
  try {
    journal.append(end);
  } catch (error) {
    observer.notice('run', toFailure(error).message);
  }
}

/** A report that cannot be written does not undo the run. */
function writeReport(
  { path, text }: { readonly path: string; text(): string },
  { observer }: GatherSystem,
): boolean {
  const content = text();
  try {
    writeReportFile(path, content);
    return true;
  } catch (error) {
    observer.notice('run', toFailure(error).message);
    return false;
  }
}
