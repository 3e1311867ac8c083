import { assert } from '../base/assert.ts';
import { toCurve } from '../planner/bound.ts';
import { createPlanner } from '../planner/planner.ts';
import type { Planner, PlannerOptions } from '../planner/types.ts';
import { createChecker } from './checker.ts';
import { momentOf } from './event-queue.ts';
import { scheduleFaults } from './faults.ts';
import { arrive, tell } from './pulls.ts';
import type { Outcome, Scenario, SimulatedNode } from './scenario.ts';
import { createTimers } from './timers.ts';
import { createWorld, type World } from './world.ts';

/** A run that takes more steps than this does not end. */
const MAX_STEPS = 10_000_000;

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
  const planner = plannerFor(scenario.planner);
  const checker = createChecker(scenario.planner);
  const world = createWorld(scenario, { planner, checker, timers: createTimers() });
  tell(world, { type: 'expected', nodes: scenario.nodes.length });
  for (const node of scenario.nodes) {
    world.timers.at(node.joinSeconds, () => join(world, node));
  }
  scheduleFaults(world);
  let steps = 0;
  while (step(world)) {
    steps += 1;
    assert(steps < MAX_STEPS, `the run ends within ${MAX_STEPS} steps`);
  }
  checker.ended(planner.idle(), world.engine.nowSeconds);
  return toOutcome(world);
}

function join(world: World, { id, roomBytes, images }: SimulatedNode): void {
  world.present.add(id);
  tell(world, { type: 'joined', node: id, roomBytes });
  for (const image of images) {
    world.named.add(image.id);
    tell(world, { type: 'held', node: id, image: image.id, bytes: image.bytes });
  }
  tell(world, { type: 'listed', node: id });
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
    transfers: [...world.pulls.values()].map((pull) => pull.traced),
    commands: world.commands,
    violations: world.checker.violations,
  };
}
