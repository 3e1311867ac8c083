import { assert } from '../base/assert.ts';
import { FRONTEND, type Blame, type PlannerCommand, type PlannerEvent } from '../planner/types.ts';
import type { Pull, World } from './world.ts';

type PullCommand = Extract<PlannerCommand, { type: 'pull' }>;

/** Tells the planner of an event, with the checker watching, and does what it commands. */
export function tell(world: World, event: PlannerEvent): void {
  world.checker.event(event, world.engine.nowSeconds);
  for (const command of world.planner.handle(event)) {
    world.checker.command(command, world.engine.nowSeconds);
    world.commands.push(command);
    if (command.type === 'pull') startPull(world, command);
    if (command.type === 'release') {
      world.present.delete(command.node);
      world.released.push({ node: command.node, seconds: world.engine.nowSeconds });
    }
  }
  world.checker.settled(world.engine.nowSeconds);
}

/** The last byte has arrived: the planner hears of it, and of the durable copy after the sync. */
export function arrive(world: World, pull: Pull): void {
  leaveNetwork(world, pull);
  pull.stage = { phase: 'landing' };
  const failsEarly = pull.fault !== undefined && pull.fault.share < 1;
  if (failsEarly) return failPull(world, pull, pull.fault.blame);
  world.timers.at(world.engine.nowSeconds + world.scenario.syncSeconds, () => settle(world, pull));
  tell(world, { type: 'arrived', transfer: pull.traced.transfer });
}

/** Ends a pull without a copy, and tells the planner unless nobody is blamed. */
export function failPull(world: World, pull: Pull, blame: Blame | undefined): void {
  if (pull.stage.phase === 'ended') return;
  leaveNetwork(world, pull);
  pull.stage = { phase: 'ended' };
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
  const startSeconds = world.engine.nowSeconds;
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
    stage: { phase: 'connecting' },
  };
  world.pulls.set(transfer, pull);
  world.timers.at(startSeconds + world.scenario.connectSeconds, () => enterNetwork(world, pull));
}

function enterNetwork(world: World, pull: Pull): void {
  if (pull.stage.phase !== 'connecting') return;
  const { from, to, bytes } = pull.traced;
  const flow = world.engine.start(world.network.route(from, to), bytes * (pull.fault?.share ?? 1));
  pull.stage = { phase: 'moving', flow };
  world.moving.set(flow, pull);
  if (to === FRONTEND) world.movingToFrontend += 1;
}

function settle(world: World, pull: Pull): void {
  if (pull.stage.phase === 'ended') return;
  if (pull.fault !== undefined) return failPull(world, pull, pull.fault.blame);
  pull.stage = { phase: 'ended' };
  pull.traced.state = 'durable';
  if (pull.traced.to === FRONTEND) {
    world.safeImages.add(pull.traced.image);
    world.makespanSeconds = world.engine.nowSeconds;
  }
  tell(world, { type: 'durable', transfer: pull.traced.transfer });
}

/** Ends what a pull has under way; a copy that is landing has left the network before. */
function leaveNetwork(world: World, { stage, traced }: Pull): void {
  if (stage.phase === 'landing') return;
  traced.endSeconds = world.engine.nowSeconds;
  if (stage.phase !== 'moving') return;
  world.engine.end(stage.flow);
  world.moving.delete(stage.flow);
  if (traced.to === FRONTEND) world.movingToFrontend -= 1;
}
