import { assert } from '../base/assert.ts';
import { toCurve } from '../planner/bound.ts';
import { createPlanner } from '../planner/planner.ts';
import { FRONTEND, type Planner, type PlannerOptions } from '../planner/types.ts';
import { createChecker } from './checker.ts';
import { scheduleFaults } from './faults.ts';
import { shareFairly } from './network.ts';
import { arrive, tell } from './pulls.ts';
import type { Outcome, Scenario, SimulatedNode } from './scenario.ts';
import { createTimers } from './timers.ts';
import { createWorld, type Pull, type World } from './world.ts';

/** A run that takes more steps than this does not end. */
const MAX_STEPS = 1_000_000;

/** Moments closer than this are one: what rounding leaves of a flow is not worth a step. */
const INSTANT_SECONDS = 1e-9;

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
  checker.ended(planner.idle(), world.nowSeconds);
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
 * end.
 */
function step(world: World): boolean {
  shareFairly(
    [...world.moving].map((pull) => pull.flow),
    world.capacities,
  );
  const first = firstToArrive(world);
  const arrivalSeconds = first === undefined ? Infinity : world.nowSeconds + remaining(first);
  const timerSeconds = world.timers.nextSeconds();
  if (first === undefined && timerSeconds === Infinity) return false;
  if (first === undefined || timerSeconds <= arrivalSeconds) {
    advance(world, timerSeconds);
    world.timers.take()();
  } else {
    advance(world, arrivalSeconds);
    arrive(world, first);
  }
  return true;
}

function firstToArrive(world: World): Pull | undefined {
  let first: Pull | undefined;
  for (const pull of world.moving) {
    if (first === undefined || remaining(pull) < remaining(first) - INSTANT_SECONDS) first = pull;
  }
  return first;
}

function remaining({ flow }: Pull): number {
  return flow.remainingBytes / flow.bytesPerSecond;
}

function advance(world: World, toSeconds: number): void {
  const seconds = toSeconds - world.nowSeconds;
  let isFrontendBusy = false;
  for (const { flow, traced } of world.moving) {
    flow.remainingBytes = Math.max(0, flow.remainingBytes - flow.bytesPerSecond * seconds);
    if (traced.to === FRONTEND) isFrontendBusy = true;
  }
  if (isFrontendBusy) world.frontendBusySeconds += seconds;
  world.nowSeconds = toSeconds;
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
