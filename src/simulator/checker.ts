import type { PlannerCommand, PlannerEvent, PlannerOptions } from '../planner/types.ts';
import { applyToLedger, createLedger } from './ledger.ts';
import { brokenBy, idleFrontend, unfinished } from './rules.ts';

/**
 * Watches events and commands and notes every broken rule; it knows nothing of the planner's state.
 */
export interface Checker {
  event(event: PlannerEvent, seconds: number): void;
  command(command: PlannerCommand, seconds: number): void;
  /** All commands that answer an event have been given. */
  settled(seconds: number): void;
  /** Nothing will happen any more. */
  ended(plannerIsIdle: boolean, seconds: number): void;
  /** In words, with the time; at most `MAX_VIOLATIONS`. */
  readonly violations: readonly string[];
}

/** Beyond this many, more of them tell nothing new. */
const MAX_VIOLATIONS = 100;

/** A checker of the rules in docs/decisions/0001, for a run with these options. */
export function createChecker(options: PlannerOptions): Checker {
  const ledger = createLedger(options);
  const violations: string[] = [];

  function note(seconds: number, broken: readonly string[]): void {
    for (const rule of broken) {
      if (violations.length < MAX_VIOLATIONS) violations.push(`${seconds.toFixed(6)} s: ${rule}`);
    }
  }

  return {
    violations,
    event(event): void {
      applyToLedger(ledger, event);
    },
    command(command, seconds): void {
      note(seconds, brokenBy(ledger, options, command));
      applyToLedger(ledger, command);
    },
    settled(seconds): void {
      note(seconds, idleFrontend(ledger));
    },
    ended(plannerIsIdle, seconds): void {
      note(seconds, unfinished(ledger, plannerIsIdle));
    },
  };
}
