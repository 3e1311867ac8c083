import { createPlanner } from '../../src/planner/planner.ts';
import {
  FRONTEND,
  type Planner,
  type PlannerCommand,
  type PlannerEvent,
  type PlannerOptions,
} from '../../src/planner/types.ts';

// The planner of production with bugs planted around it.

export type PlannerFor = (options: PlannerOptions) => Planner;

/** A planner with other options than were asked for. */
export function having(change: (options: PlannerOptions) => Partial<PlannerOptions>): PlannerFor {
  return (options) => createPlanner({ ...options, ...change(options) });
}

/** A planner that is told other events than happened. */
export function hearing(mishear: (event: PlannerEvent) => readonly PlannerEvent[]): PlannerFor {
  return (options) => {
    const planner = createPlanner(options);
    return {
      handle: (event) => mishear(event).flatMap((heard) => planner.handle(heard)),
      idle: () => planner.idle(),
    };
  };
}

/** A planner that does not hear of some events. */
export function deafTo(type: PlannerEvent['type']): PlannerFor {
  return hearing((event) => (event.type === type ? [] : [event]));
}

/** A planner that gives other commands than it means. */
export function saying(change: (command: PlannerCommand) => readonly PlannerCommand[]): PlannerFor {
  return (options) => {
    const planner = createPlanner(options);
    return {
      handle: (event) => planner.handle(event).flatMap(change),
      idle: () => planner.idle(),
    };
  };
}

/** A planner that takes the links of pulls onto peers for free at once. */
export function takingLinksForFree(options: PlannerOptions): Planner {
  const planner = createPlanner(options);
  function handle(event: PlannerEvent): readonly PlannerCommand[] {
    const commands: PlannerCommand[] = [];
    for (const command of planner.handle(event)) {
      commands.push(command);
      if (command.type !== 'pull' || command.to === FRONTEND) continue;
      commands.push(...handle({ type: 'arrived', transfer: command.transfer }));
    }
    return commands;
  }
  return { handle, idle: () => planner.idle() };
}

/** A planner that commands all pulls by the frontend twice. */
export function pullingTwice(options: PlannerOptions): Planner {
  const planner = createPlanner(options);
  return {
    handle: (event) =>
      isOfSecond(event) ? [] : planner.handle(event).flatMap((command) => twice(command)),
    idle: () => planner.idle(),
  };
}

const SECOND = 'second of ';

function isOfSecond(event: PlannerEvent): boolean {
  return 'transfer' in event && event.transfer.startsWith(SECOND);
}

function twice(command: PlannerCommand): PlannerCommand[] {
  if (command.type !== 'pull' || command.to !== FRONTEND) return [command];
  return [command, { ...command, transfer: `${SECOND}${command.transfer}` }];
}

/** A planner that pulls what a released node had from there all the same. */
export function askingTheReleased(options: PlannerOptions): Planner {
  const planner = createPlanner(options);
  const origins = new Map<string, string>();
  const released = new Set<string>();
  return {
    handle: (event) => {
      if (event.type === 'held') origins.set(event.image, event.node);
      return planner.handle(event).map((command) => {
        if (command.type === 'release') released.add(command.node);
        const from = command.type === 'pull' ? origins.get(command.image) : undefined;
        return from !== undefined && released.has(from)
          ? Object.assign(command, { from })
          : command;
      });
    },
    idle: () => planner.idle(),
  };
}
