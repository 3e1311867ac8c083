import { assert } from '../base/assert.ts';
import { before, type Duration, formatDuration, isZero } from '../base/duration.ts';
import { KgetError } from '../base/error.ts';
import { type Period, periodNumber, PERIODS } from './retention-periods.ts';

/** What a policy needs to know of a snapshot. */
export interface Snapshotlike {
  /** ISO 8601 with a time zone: `2026-03-01T11:00:00Z`. */
  readonly takenAt: string;
  /** Snapshots of one group are judged together: those of one image of one node. */
  readonly group: string;
  readonly tags: readonly string[];
}

/** How many a rule keeps: a whole number from 0, which is no rule. */
export type KeepCount = number | 'all';

/** What is kept. A rule that is left out keeps nothing; what any rule keeps stays. */
export interface RetentionPolicy extends Readonly<Partial<Record<Period, KeepCount | undefined>>> {
  /** The newest ones. */
  readonly last?: KeepCount | undefined;
  /** Those taken less than this long before the newest one of their group. */
  readonly within?: Duration | undefined;
}

export interface Verdict<Snapshot> {
  readonly snapshot: Snapshot;
  /** `last`, `daily`, `within 7d`, `tagged gold`, …: why it stays. Empty: it may go. */
  readonly reasons: readonly string[];
}

interface Dated<Snapshot> {
  readonly snapshot: Snapshot;
  readonly timeMs: number;
}

/** Says why it keeps a snapshot, if it does. Is shown those of one group, once each, newest first. */
type Rule = (timeMs: number) => string | undefined;

/** A policy without a rule: it keeps everything, so pruning by it is a mistake of the caller's. */
export function isEmpty(policy: RetentionPolicy): boolean {
  const { last, within } = policy;
  const counts = [last, ...PERIODS.map((period) => policy[period])];
  return !counts.some(keepsAny) && (within === undefined || isZero(within));
}

/** Reads `7`, `all` or, as restic calls it, `unlimited`. @throws KgetError `usage` */
export function parseKeepCount(text: string): KeepCount {
  const trimmed = text.trim();
  if (trimmed === 'all' || trimmed === 'unlimited') return 'all';
  const count = Number(trimmed);
  if (/^\d+$/.test(trimmed) && Number.isSafeInteger(count)) return count;
  throw new KgetError(
    'usage',
    `Cannot read "${text}" as a number of snapshots: wanted e.g. 7, or "all"`,
  );
}

/**
 * Judges snapshots as `restic forget` does (its manual, "Removing snapshots according to a policy"):
 *
 * - Each group is judged alone, and a snapshot stays if any rule keeps it.
 * - `daily: 7` keeps the newest snapshot of each of the last 7 days that have any; hours, weeks,
 *   months and years likewise, all of them those of UTC (see `periodNumber`).
 * - `within` counts from the newest snapshot of the group, not from now: a group that is not added
 *   to any more does not wither.
 * - A snapshot with tags stays, but is counted like the others.
 * - A snapshot from after `now`, if that is given, was dated by a clock that was wrong. It stays and
 *   is not counted; else it would pass for the newest one, and `within` would drop all the real ones.
 *
 * The oldest snapshot is not kept for the mere reason that a rule could count further, as restic has
 * done since 0.16. Any rule but an empty one keeps the newest snapshot of each group.
 *
 * Returns all snapshots: groups in the order of their names, in each the newest first. Of those
 * taken at the same time, the one passed last counts as newest: catalogues have the oldest first.
 * @throws KgetError `corrupt` if a snapshot's time cannot be read
 */
export function applyRetention<Snapshot extends Snapshotlike>(
  snapshots: readonly Snapshot[],
  policy: RetentionPolicy,
  { now }: { readonly now?: Date | undefined } = {},
): readonly Verdict<Snapshot>[] {
  const dated = snapshots.map((snapshot) => ({ snapshot, timeMs: timeOf(snapshot) })).toReversed();
  dated.sort((left, right) => right.timeMs - left.timeMs);
  const groups = [...Map.groupBy(dated, ({ snapshot }) => snapshot.group)];
  groups.sort(([left], [right]) => (left < right ? -1 : 1));
  const nowMs = now === undefined ? Infinity : now.getTime();
  return groups.flatMap(([, group]) => judge(group, { policy, nowMs }));
}

/** `group` is not empty, and newest first. */
function judge<Snapshot extends Snapshotlike>(
  group: readonly Dated<Snapshot>[],
  { policy, nowMs }: { policy: RetentionPolicy; nowMs: number },
): Verdict<Snapshot>[] {
  const newest = group.find(({ timeMs }) => timeMs <= nowMs);
  const rules = newest === undefined ? [] : rulesOf(policy, newest.timeMs);
  return group.map(({ snapshot, timeMs }) => {
    const applied =
      timeMs > nowMs ? ['in the future'] : rules.map((rule) => rule(timeMs)).filter(isReason);
    return { snapshot, reasons: [...applied, ...snapshot.tags.map((tag) => `tagged ${tag}`)] };
  });
}

function rulesOf(policy: RetentionPolicy, newestMs: number): Rule[] {
  if (isEmpty(policy)) return [() => 'the policy is empty'];
  const rules: Rule[] = [];
  const { last, within } = policy;
  if (keepsAny(last)) {
    let seen = 0;
    rules.push(countRule('last', { count: last, numberOf: () => (seen += 1) }));
  }
  for (const period of PERIODS) {
    const count = policy[period];
    if (!keepsAny(count)) continue;
    const numberOf = (timeMs: number): number => periodNumber(period, timeMs);
    rules.push(countRule(period, { count, numberOf }));
  }
  if (within !== undefined && !isZero(within)) {
    const limitMs = before(new Date(newestMs), within).getTime();
    const reason = `within ${formatDuration(within)}`;
    rules.push((timeMs) => (timeMs > limitMs ? reason : undefined));
  }
  return rules;
}

/** Keeps the first snapshot of each run of equal numbers, until it has kept `count`. */
function countRule(
  reason: string,
  { count, numberOf }: { count: KeepCount; numberOf: (timeMs: number) => number },
): Rule {
  let left = count === 'all' ? Infinity : count;
  let previous: number | undefined;
  return (timeMs) => {
    const current = numberOf(timeMs);
    if (left === 0 || current === previous) return undefined;
    previous = current;
    left -= 1;
    return reason;
  };
}

function keepsAny(count: KeepCount | undefined): count is KeepCount {
  assert(
    count === undefined || count === 'all' || (Number.isSafeInteger(count) && count >= 0),
    'a number of snapshots to keep is whole and not negative',
  );
  return count !== undefined && count !== 0;
}

function isReason(reason: string | undefined): reason is string {
  return reason !== undefined;
}

/** Years of four digits: what lies any duration before them, dates can still express. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59Z');

/** Without a zone, a time would mean another moment on another computer. */
function timeOf({ takenAt, group }: Snapshotlike): number {
  const timeMs = /T.*(?:Z|[+-]\d\d:\d\d)$/.test(takenAt) ? Date.parse(takenAt) : NaN;
  if (timeMs >= EARLIEST_MS && timeMs <= LATEST_MS) return timeMs;
  throw new KgetError(
    'corrupt',
    `Cannot judge the snapshots of "${group}": one was taken at "${takenAt}", ` +
      'wanted a time as in 2026-03-01T11:00:00Z',
  );
}
