/**
 * One run of `bench:scale` in a process of its own, since the peak of memory is that of a process.
 * `node bench/scale/child.ts NODES FRONTENDS` prints a `ScaleRun` in JSON.
 */
import { assert } from '../../src/base/assert.ts';
import { releaseTimes } from '../../src/planner/bound.ts';
import { createPlanner } from '../../src/planner/planner.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { scaleScenario } from './scenario.ts';
import type { ScaleRun } from './table.ts';
import { timed, type Work } from './timed.ts';

const [nodes = 0, frontends = 1] = process.argv.slice(2).map(Number);
const scenario = scaleScenario({ nodes, frontends });
const work: Work = { events: 0, commands: 0, milliseconds: 0 };
const startedMs = performance.now();
const outcome = simulate(scenario, (options) =>
  timed(createPlanner(options), work, () => performance.now()),
);
const wallSeconds = (performance.now() - startedMs) / 1000;
assert(outcome.violations.length === 0, `no rule is broken: ${outcome.violations[0]}`);
const run: ScaleRun = {
  nodes,
  frontends,
  wallSeconds,
  plannerSeconds: work.milliseconds / 1000,
  events: work.events,
  commands: work.commands,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  makespanSlots: outcome.makespanSeconds,
  meanReleaseSlots: releaseTimes(outcome.curve).meanReleaseSeconds ?? Infinity,
};
process.stdout.write(`${JSON.stringify(run)}\n`);
