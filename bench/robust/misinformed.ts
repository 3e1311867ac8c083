import type { Planner, PlannerCommand } from '../../src/planner/types.ts';

/**
 * A planner that is first told other sizes of images than `held` says. It gets the true one as soon
 * as it commands the first pull of an image, as if the scan had been ahead of the transfer, unless
 * it was told of a better figure before.
 */
export function misinformed(planner: Planner, firstBytes: ReadonlyMap<string, number>): Planner {
  const hidden = new Map<string, number>();

  function afterPulls(commands: PlannerCommand[]): readonly PlannerCommand[] {
    // Each image is hidden once, so what is appended comes to an end.
    for (const command of commands) {
      const bytes = command.type === 'pull' ? hidden.get(command.image) : undefined;
      if (command.type !== 'pull' || bytes === undefined) continue;
      hidden.delete(command.image);
      commands.push(...planner.handle({ type: 'sized', image: command.image, bytes }));
    }
    return commands;
  }

  return {
    handle(event): readonly PlannerCommand[] {
      if (event.type === 'sized') hidden.delete(event.image);
      const first = event.type === 'held' ? firstBytes.get(event.image) : undefined;
      if (event.type !== 'held' || first === undefined)
        return afterPulls([...planner.handle(event)]);
      hidden.set(event.image, event.bytes);
      return afterPulls([...planner.handle({ ...event, bytes: first })]);
    },
    idle: () => planner.idle(),
  };
}
