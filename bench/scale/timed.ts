import type { Planner } from '../../src/planner/types.ts';

/** What a planner was asked and how long it took. */
export interface Work {
  events: number;
  commands: number;
  milliseconds: number;
}

/** A planner whose work is added to `work`; `nowMs` is a clock. */
export function timed(planner: Planner, work: Work, nowMs: () => number): Planner {
  return {
    handle(event) {
      const startedMs = nowMs();
      const commands = planner.handle(event);
      work.milliseconds += nowMs() - startedMs;
      work.events += 1;
      work.commands += commands.length;
      return commands;
    },
    idle: () => planner.idle(),
  };
}
