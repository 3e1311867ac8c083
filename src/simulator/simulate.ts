import { assert } from '../base/assert.ts';
import { toCurve } from '../planner/bound.ts';
import { createPlanner } from '../planner/planner.ts';
import type { Planner, PlannerOptions } from '../planner/types.ts';
import { createChecker } from './checker.ts';
import { momentOf } from './event-queue.ts';
import { scheduleFaults } from './faults.ts';
import { scheduleJoins } from './joining.ts';
import { arrive } from './pulls.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { createTimers } from './timers.ts';
import { toldOptions } from './told.ts';
import { createWorld, type World } from './world.ts';

/** A run that takes more steps for each node, image and fault does not end. */
const MAX_STEPS_EACH = 10_000;

/**
 * Runs a planner through a scenario in virtual time: nodes join and name their images, pulls take
 * what the links give them, faults strike, and a checker watches every event and command. The
 * planner is an argument so that tests can plant bugs; the one of production is the default. What
 * happens at one moment happens in the order in which it was set in motion.
 */
export function simulate(
  scenario: Scenario,
  plannerFor: (options: PlannerOptions) => Planner = createPlanner,
): Outcome {
  const options = toldOptions(scenario);
  const planner = plannerFor(options);
  const checker = createChecker(options);
  const world = createWorld(scenario, { planner, checker, timers: createTimers() });
  scheduleJoins(world);
  scheduleFaults(world);
  const things = scenario.nodes.length + world.images.size + scenario.faults.length + 1;
  let steps = 0;
  while (step(world)) {
    steps += 1;
    assert(steps < things * MAX_STEPS_EACH, `the run ends within ${steps} steps`);
  }
  checker.ended(planner.idle(), world.engine.nowSeconds);
  return toOutcome(world);
}

/**
 * Goes on to the next moment at which anything happens, and lets one thing happen; false at the
 * end. At one moment timers come before completions.
 */
function step(world: World): boolean {
  const { engine, timers } = world;
  const timerSeconds = timers.nextSeconds();
  const isDue = momentOf(timerSeconds) <= momentOf(engine.nowSeconds);
  const completion = isDue ? undefined : engine.nextCompletion();
  if (completion === undefined && timerSeconds === Infinity) return false;
  if (completion === undefined || momentOf(timerSeconds) <= momentOf(completion.seconds)) {
    advance(world, timerSeconds);
    timers.take()();
    return true;
  }
  const pull = world.moving.get(completion.flow);
  assert(pull !== undefined, 'a flow is that of a pull');
  advance(world, completion.seconds);
  arrive(world, pull);
  return true;
}

/** Within one moment times may differ by rounding, and go back by it. */
function advance(world: World, toSeconds: number): void {
  const { engine } = world;
  const nextSeconds = Math.max(engine.nowSeconds, toSeconds);
  if (world.movingToFrontend > 0) world.frontendBusySeconds += nextSeconds - engine.nowSeconds;
  engine.advance(nextSeconds);
}

function toOutcome(world: World): Outcome {
  const { released, makespanSeconds, scenario } = world;
  const seconds = released.map((release) => release.seconds);
  return {
    released,
    curve: toCurve('kgetplus', seconds, scenario.nodes.length),
    makespanSeconds,
    frontendBusyFraction: makespanSeconds === 0 ? 0 : world.frontendBusySeconds / makespanSeconds,
    safeImages: world.safeImages,
    transfers: world.transfers,
    commands: world.commands,
    violations: world.checker.violations,
  };
}
