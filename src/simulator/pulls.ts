import { assert } from '../base/assert.ts';
import { FRONTEND, type Blame, type PlannerCommand, type PlannerEvent } from '../planner/types.ts';
import { linksBetween, type Pull, type World } from './world.ts';

type PullCommand = Extract<PlannerCommand, { type: 'pull' }>;

/** Tells the planner of an event, with the checker watching, and does what it commands. */
export function tell(world: World, event: PlannerEvent): void {
  world.checker.event(event, world.nowSeconds);
  for (const command of world.planner.handle(event)) {
    world.checker.command(command, world.nowSeconds);
    world.commands.push(command);
    if (command.type === 'pull') startPull(world, command);
    if (command.type === 'release') {
      world.present.delete(command.node);
      world.released.push({ node: command.node, seconds: world.nowSeconds });
    }
  }
  world.checker.settled(world.nowSeconds);
}

/** The last byte has arrived: the planner hears of it, and of the durable copy after the sync. */
export function arrive(world: World, pull: Pull): void {
  leaveNetwork(world, pull, 'landing');
  const failsEarly = pull.fault !== undefined && pull.fault.share < 1;
  if (failsEarly) return failPull(world, pull, pull.fault.blame);
  world.timers.at(world.nowSeconds + world.scenario.syncSeconds, () => settle(world, pull));
  tell(world, { type: 'arrived', transfer: pull.traced.transfer });
}

/** Ends a pull without a copy, and tells the planner unless nobody is blamed. */
export function failPull(world: World, pull: Pull, blame: Blame | undefined): void {
  if (pull.phase === 'ended') return;
  leaveNetwork(world, pull, 'ended');
  pull.traced.state = 'failed';
  if (blame !== undefined) tell(world, { type: 'failed', transfer: pull.traced.transfer, blame });
}

function startPull(world: World, { transfer, image, from, to }: PullCommand): void {
  const bytes = world.imageBytes.get(image);
  assert(bytes !== undefined, `${image} is in the scenario`);
  const ordinal = world.pulls.size + 1;
  const fault = world.scenario.faults
    .filter((one) => one.kind === 'transfer-fails')
    .find((one) => one.ordinal === ordinal);
  const startSeconds = world.nowSeconds;
  const pull: Pull = {
    traced: {
      transfer,
      image,
      from,
      to,
      bytes,
      startSeconds,
      endSeconds: startSeconds,
      state: 'under-way',
    },
    fault,
    phase: 'connecting',
    flow: {
      links: linksBetween(from, to),
      remainingBytes: bytes * (fault?.share ?? 1),
      bytesPerSecond: 0,
    },
  };
  world.pulls.set(transfer, pull);
  world.timers.at(startSeconds + world.scenario.connectSeconds, () => {
    if (pull.phase !== 'connecting') return;
    pull.phase = 'moving';
    world.moving.add(pull);
  });
}

function settle(world: World, pull: Pull): void {
  if (pull.phase === 'ended') return;
  if (pull.fault !== undefined) return failPull(world, pull, pull.fault.blame);
  pull.phase = 'ended';
  pull.traced.state = 'durable';
  if (pull.traced.to === FRONTEND) {
    world.safeImages.add(pull.traced.image);
    world.makespanSeconds = world.nowSeconds;
  }
  tell(world, { type: 'durable', transfer: pull.traced.transfer });
}

function leaveNetwork(world: World, pull: Pull, phase: 'landing' | 'ended'): void {
  if (pull.phase !== 'landing') pull.traced.endSeconds = world.nowSeconds;
  pull.phase = phase;
  world.moving.delete(pull);
}
