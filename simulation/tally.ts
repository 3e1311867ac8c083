import type { CrashPoints } from './points.ts';
import type { Violation } from './rules.ts';
import type { Verdict } from './story.ts';

/** What many seeds came to. */
export interface Tally {
  seeds: number;
  runs: number;
  images: number;
  doomed: number;
  effects: number;
  /** Faults that hit something, by kind. */
  readonly inflicted: Record<string, number>;
  /** By place in the code: how often a process was crashed right before it. */
  readonly crashed: Record<string, number>;
  /** By place: how often it was come by, in the seeds in which that is counted. */
  readonly seen: Record<string, number>;
  readonly bad: { readonly seed: number; readonly violations: readonly Violation[] }[];
}

export function noTally(): Tally {
  return {
    seeds: 0,
    runs: 0,
    images: 0,
    doomed: 0,
    effects: 0,
    inflicted: {},
    crashed: {},
    seen: {},
    bad: [],
  };
}

export function addVerdict(tally: Tally, verdict: Verdict): void {
  tally.seeds += 1;
  tally.runs += verdict.attempts;
  tally.images += verdict.images;
  tally.doomed += verdict.doomed;
  tally.effects += verdict.effects;
  addCounts(tally.inflicted, verdict.inflicted);
  if (verdict.violations.length > 0) {
    tally.bad.push({ seed: verdict.seed, violations: verdict.violations });
  }
}

export function addPoints(tally: Tally, { crashed, seen }: CrashPoints): void {
  addCounts(tally.crashed, Object.fromEntries(crashed));
  addCounts(tally.seen, Object.fromEntries(seen));
}

/** Adds what another process found. */
export function addTally(tally: Tally, other: Tally): void {
  tally.seeds += other.seeds;
  tally.runs += other.runs;
  tally.images += other.images;
  tally.doomed += other.doomed;
  tally.effects += other.effects;
  addCounts(tally.inflicted, other.inflicted);
  addCounts(tally.crashed, other.crashed);
  addCounts(tally.seen, other.seen);
  tally.bad.push(...other.bad);
  tally.bad.sort((one, another) => one.seed - another.seed);
}

function addCounts(to: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [key, count] of Object.entries(from)) to[key] = (to[key] ?? 0) + count;
}
