import assert from 'node:assert/strict';
import type { Planner, PlannerOptions } from '../../../src/planner/types.ts';
import { applyToLedger, createLedger, type Ledger } from '../../../src/simulator/ledger.ts';
import { brokenBy, unfinished } from '../../../src/simulator/rules.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { runStrategy, type StrategyRun } from '../../../src/simulator/strategies/run-strategy.ts';
import type { Strategy } from '../../../src/simulator/strategies/strategy.ts';

/** A run, and the rules that it broke, in words. */
export interface WatchedRun extends StrategyRun {
  readonly broken: readonly string[];
}

/** Runs a strategy, and takes the simulator's word for what it broke. */
export function runChecked(strategy: Strategy, scenario: Scenario): WatchedRun {
  const run = runStrategy(strategy, scenario);
  return { ...run, broken: run.outcome.violations };
}

/**
 * Runs a tree, and judges its commands by all rules but those that it breaks by design: it lets the
 * frontend wait for nodes and relays, and does not listen to how many may send. The simulator notes
 * the former so often that it would miss others.
 */
export function runTree(tree: Strategy, scenario: Scenario): WatchedRun {
  const watch = createWatch(tree);
  const run = runStrategy({ ...tree, plannerFor: watch.plannerFor }, scenario);
  return { ...run, broken: watch.broken() };
}

/** Planners of `strategy` whose commands are judged; one at a time. */
function createWatch(strategy: Strategy): Pick<Strategy, 'plannerFor'> & {
  readonly broken: () => string[];
} {
  const broken: string[] = [];
  let watched: { readonly planner: Planner; readonly ledger: Ledger } | undefined;
  return {
    plannerFor(options: PlannerOptions): Planner {
      const planner = strategy.plannerFor(options);
      const ledger = createLedger(options);
      watched = { planner, ledger };
      return {
        handle(event) {
          if (event.type !== 'senders-allowed') applyToLedger(ledger, event);
          const commands = planner.handle(event);
          for (const command of commands) {
            broken.push(...brokenBy(ledger, options, command));
            applyToLedger(ledger, command);
          }
          return commands;
        },
        idle: () => planner.idle(),
      };
    },
    broken(): string[] {
      assert(watched !== undefined, 'the run is over');
      return [...broken, ...unfinished(watched.ledger, watched.planner.idle())];
    },
  };
}
