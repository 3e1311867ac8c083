import type { Failure } from '../base/error.ts';
import { FRONTEND } from '../planner/types.ts';
import type { Run, Words } from './run.ts';

/**
 * What agents say in words ends as lines of a log and of the report. A node may be broken or
 * hostile: in a minute so many are taken of it, and one line says how many were left out. What they
 * mean for the run does not change with that. The frontend's own agent is trusted.
 */
const MINUTE_MS = 60_000;
const MOST_IN_A_MINUTE = { notice: 60, failure: 1000 } as const;

/** A line for the log about what `node` has said. */
export function noteNotice(run: Run, node: string, text: string): void {
  if (admit(run, node, 'notice')) run.ports.observer.notice(node, text);
}

/** Reports a failure that `node` has told; `where` is where it lies. */
export function reportOf(
  run: Run,
  node: string,
  failure: Failure,
  where: Parameters<Run['report']>[1],
): void {
  if (admit(run, node, 'failure')) run.report(failure, where);
}

function admit(run: Run, node: string, kind: 'notice' | 'failure'): boolean {
  if (node === FRONTEND) return true;
  const words = wordsOf(run, node);
  words.told[kind] += 1;
  if (words.told[kind] <= MOST_IN_A_MINUTE[kind]) return true;
  const isFirst = words.leftOut.notice + words.leftOut.failure === 0;
  words.leftOut[kind] += 1;
  if (isFirst) run.inBackground(tellLeftOut(run, node, words));
  return false;
}

/** What an agent has told in this minute. */
function wordsOf(run: Run, node: string): Words {
  const nowMs = run.ports.clock.nowMs();
  const known = run.words.get(node);
  if (known !== undefined && nowMs - known.sinceMs < MINUTE_MS) return known;
  const words: Words = {
    sinceMs: nowMs,
    told: { notice: 0, failure: 0 },
    leftOut: { notice: 0, failure: 0 },
  };
  run.words.set(node, words);
  return words;
}

/** When the minute is over, or the run. */
async function tellLeftOut(run: Run, node: string, { sinceMs, leftOut }: Words): Promise<void> {
  const restMs = sinceMs + MINUTE_MS - run.ports.clock.nowMs();
  await run.ports.clock.sleep(restMs, run.over);
  if (leftOut.notice > 0) {
    run.ports.observer.notice(node, `${leftOut.notice} more notices of a minute left out`);
  }
  if (leftOut.failure === 0) return;
  const message = `Left out ${leftOut.failure} more failures that ${node} told within a minute`;
  run.report({ code: 'protocol', message }, { node });
}
