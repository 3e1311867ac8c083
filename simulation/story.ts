import { KgetError } from '../src/base/error.ts';
import { exitCodeOf } from '../src/cli/exit-code.ts';
import { describe, type Outcome, runCommand, type Wish } from './attempt.ts';
import { calm } from './faults.ts';
import { currentProcess, endProcess } from './machine/process.ts';
import type { Violation } from './rules.ts';
import { type FaultKind, FRONTEND_HOST, scenarioOf, STORMY_ATTEMPTS } from './scenario.ts';
import { createStage } from './set-up.ts';
import type { Stage, Watching } from './stage.ts';

/** Attempts of the operator in all: the last ones in calm weather. */
const MOST_ATTEMPTS = STORMY_ATTEMPTS + 3;
/** How long the operator may think between two attempts. */
const PAUSES_MS = [300, 5000, 130_000];
/** How long things may settle when all runs are over: longer than any agent waits. */
const SETTLE_MS = 600_000;

/** What came of a seed. */
export interface Verdict {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Faults that hit something, by kind. */
  readonly inflicted: Readonly<Partial<Record<FaultKind, number>>>;
  readonly attempts: number;
  readonly images: number;
  /** Images whose last good copy a fault destroyed. */
  readonly doomed: number;
  readonly virtualMs: number;
  /** What others could see of all processes: changes on disks, messages, sends. */
  readonly effects: number;
}

/**
 * Plays a seed from beginning to end: an operator gathers, and goes on until all is there, or until
 * no more can come of it.
 */
export async function playSeed(seed: number, watching: Watching): Promise<Verdict> {
  const stage = createStage(scenarioOf(seed), watching);
  const { cluster, rules } = stage;
  const { timeline } = cluster.machine;
  const stopListening = onEscapedErrors((error) => {
    cluster.machine.onFault(currentProcess(), error);
  });
  const hasEndedWell = await operate(stage);
  calm(stage);
  await timeline.run(() => false, SETTLE_MS);
  checkEnd(stage, hasEndedWell);
  for (const { processes } of cluster.hosts.values()) {
    for (const process of processes) endProcess(process, 'power');
  }
  stopListening();
  return {
    seed,
    violations: rules.violations,
    inflicted: stage.inflicted,
    attempts: stage.attempt + 1,
    images: rules.images.length,
    doomed: rules.doomed.size,
    virtualMs: timeline.nowMs(),
    effects: stage.effects,
  };
}

/** Whether the last command ended with 0. */
async function operate(stage: Stage): Promise<boolean> {
  const { cluster, rules, dice } = stage;
  const all = stage.scenario.nodes.map(({ name }) => name);
  const frontend = cluster.host(FRONTEND_HOST);
  let wish: Wish = { nodes: all, mustContinue: false };
  for (;;) {
    if (stage.attempt >= STORMY_ATTEMPTS) calm(stage);
    if (frontend.isDown) cluster.restorePower(frontend);
    stage.trace(`attempt ${stage.attempt}: ${JSON.stringify(wish)}`);
    stage.awaitFaults();
    const outcome = await runCommand(stage, wish);
    stage.trace(`attempt ${stage.attempt}: ${describe(outcome)}`);
    check(stage, outcome);
    if (isGood(outcome)) return true;
    if (stage.attempt + 1 === MOST_ATTEMPTS) return false;
    wish = nextWish(stage, { before: wish, outcome, all });
    await cluster.machine.timeline.run(() => false, dice.pick(PAUSES_MS));
    rules.checkCopies(`after attempt ${stage.attempt}`);
    stage.attempt += 1;
  }
}

function check({ attempt, rules, cluster }: Stage, outcome: Outcome): void {
  if (attempt === 0) rules.checkOthers(outcome !== 'died');
  for (const host of cluster.hosts.values()) rules.checkNames(host);
  if (outcome !== 'died' && !(outcome instanceof KgetError)) rules.checkReport(outcome.report);
}

function isGood(outcome: Outcome): boolean {
  if (outcome === 'died' || outcome instanceof KgetError) return false;
  return exitCodeOf(outcome.report, outcome.outcome.interrupted) === 0;
}

/** `resume`, or the same command again, or one for those nodes that were not released. */
function nextWish(
  { dice }: Stage,
  last: { readonly before: Wish; readonly outcome: Outcome; readonly all: readonly string[] },
): Wish {
  const { before, outcome, all } = last;
  if (outcome instanceof KgetError) return { ...before, mustContinue: false };
  if (dice.oneIn(2)) return { nodes: all, mustContinue: true };
  if (outcome === 'died' || outcome.outcome.interrupted) return { ...before, mustContinue: false };
  const left = outcome.report.nodes.filter(({ state }) => state !== 'released');
  const nodes = left.length > 0 ? left.map(({ node }) => node) : before.nodes;
  return { nodes, mustContinue: false };
}

function checkEnd({ rules, cluster }: Stage, hasEndedWell: boolean): void {
  for (const image of rules.images) {
    if (rules.isSafe(image) || rules.doomed.has(image.id)) continue;
    const holders = rules.holdersOf(image).map(({ name }) => name);
    rules.broken('end', `${image.id} is not on the frontend; ${holders.join(', ')} have it`);
  }
  rules.checkSources();
  if (hasEndedWell) rules.checkLeftovers();
  for (const { processes } of cluster.hosts.values()) {
    for (const { name } of processes) rules.broken('end', `${name} runs when all is over`);
  }
}

/** Errors that nobody catches would end a real process. */
function onEscapedErrors(listener: (error: unknown) => void): () => void {
  process.on('unhandledRejection', listener);
  process.on('uncaughtException', listener);
  return () => {
    process.off('unhandledRejection', listener);
    process.off('uncaughtException', listener);
  };
}
