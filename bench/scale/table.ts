/** What a simulated run cost, and what came of it. */
export interface ScaleRun {
  readonly nodes: number;
  readonly frontends: number;
  readonly wallSeconds: number;
  /** Within `Planner.handle`. */
  readonly plannerSeconds: number;
  /** Told to the planner, each a decision. */
  readonly events: number;
  readonly commands: number;
  readonly peakBytes: number;
  readonly makespanSlots: number;
  readonly meanReleaseSlots: number;
}

/** The head of the table of costs in Markdown. */
export function costHead(): string {
  const names = [
    ['n', 'wall s', 'planner s', 'events', 'commands'],
    ['ms per decision', 'µs per event', 'µs per event / log2 n', 'peak MB'],
  ].flat();
  return `| ${names.join(' | ')} |\n|${' --: |'.repeat(names.length)}`;
}

/** A row of it. An event's microseconds are those of the whole run, planner and simulator. */
export function costLine(run: ScaleRun): string {
  const { nodes, wallSeconds, plannerSeconds, events, commands, peakBytes } = run;
  const eventMicroseconds = (wallSeconds * 1e6) / events;
  const cells = [
    nodes,
    wallSeconds.toFixed(2),
    plannerSeconds.toFixed(2),
    events,
    commands,
    ((plannerSeconds * 1e3) / events).toFixed(4),
    eventMicroseconds.toFixed(1),
    (eventMicroseconds / Math.log2(nodes)).toFixed(2),
    (peakBytes / 1e6).toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The head of the table of frontends. */
export function frontendsHead(): string {
  return ['| n | frontends | makespan | mean release |', '| --: | --: | --: | --: |'].join('\n');
}

/** A row of it, in slots. */
export function frontendsLine(run: ScaleRun): string {
  const { nodes, frontends, makespanSlots, meanReleaseSlots } = run;
  return `| ${nodes} | ${frontends} | ${makespanSlots.toFixed(2)} | ${meanReleaseSlots.toFixed(2)} |`;
}
