import { assert } from '../base/assert.ts';
import { FRONTEND, type Blame, type PlannerCommand, type PlannerEvent } from '../planner/types.ts';
import { beginPull, endPull, leastBusyFrontend } from './under-way.ts';
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
      world.overlap.left(command.node);
      world.released.push({ node: command.node, seconds: world.engine.nowSeconds });
    }
  }
  world.checker.settled(world.engine.nowSeconds);
}

/** The last byte has arrived: the planner hears of it, and of the durable copy after the sync. */
export function arrive(world: World, pull: Pull): void {
  const { nowSeconds } = world.engine;
  const { stage, fault, traced } = pull;
  assert(stage.phase === 'moving', 'what arrives was moving');
  leaveNetwork(world, pull);
  pull.stage = { phase: 'landing' };
  const failsEarly = fault !== undefined && fault.share < 1;
  if (failsEarly) return failPull(world, pull, fault.blame);
  world.timers.at(nowSeconds + world.scenario.syncSeconds, () => settle(world, pull));
  const bytesPerSecond = stage.bytes / (nowSeconds - stage.sinceSeconds);
  const isMeasured = stage.bytes > 0 && bytesPerSecond < Infinity;
  const measured = isMeasured ? { bytesPerSecond } : {};
  tell(world, { type: 'arrived', transfer: traced.transfer, ...measured });
}

/** Ends a pull without a copy, and tells the planner unless nobody is blamed. */
export function failPull(world: World, pull: Pull, blame: Blame | undefined): void {
  if (pull.stage.phase === 'ended') return;
  leaveNetwork(world, pull);
  endPull(world, pull, 'failed');
  if (blame !== undefined) tell(world, { type: 'failed', transfer: pull.traced.transfer, blame });
}

function startPull(world: World, { transfer, image: id, from, to }: PullCommand): void {
  const image = world.images.get(id);
  assert(image !== undefined, `${id} is in the scenario`);
  const startSeconds = world.engine.nowSeconds;
  const times = { startSeconds, endSeconds: startSeconds };
  const pull: Pull = {
    traced: { transfer, image: id, from, to, bytes: 0, ...times, state: 'under-way' },
    image,
    fault: world.transferFaults.get(world.transfers.length + 1),
    frontend: to === FRONTEND ? leastBusyFrontend(world) : undefined,
    stage: { phase: 'connecting' },
  };
  beginPull(world, pull);
  world.timers.at(startSeconds + world.scenario.connectSeconds, () => enterNetwork(world, pull));
}

/** What has to cross is known when the first byte does. */
function enterNetwork(world: World, pull: Pull): void {
  if (pull.stage.phase !== 'connecting') return;
  const { engine, network, overlap } = world;
  const { traced, image, frontend } = pull;
  const { from, to } = traced;
  traced.bytes = overlap.crossingBytes(image, to);
  const bytes = traced.bytes * (pull.fault?.share ?? 1);
  const flow = engine.start(network.route(from, to, frontend), bytes);
  pull.stage = { phase: 'moving', flow, bytes, sinceSeconds: engine.nowSeconds };
  world.moving.set(flow, pull);
  if (frontend !== undefined) world.movingToFrontend += 1;
}

function settle(world: World, pull: Pull): void {
  if (pull.stage.phase === 'ended') return;
  if (pull.fault !== undefined) return failPull(world, pull, pull.fault.blame);
  endPull(world, pull, 'durable');
  const { image, traced } = pull;
  if (!world.safeImages.has(image.id)) world.overlap.landed({ ...traced, image });
  if (traced.to === FRONTEND) {
    world.safeImages.add(image.id);
    world.makespanSeconds = world.engine.nowSeconds;
  }
  tell(world, { type: 'durable', transfer: traced.transfer });
}

/** Ends what a pull has under way; a copy that is landing has left the network before. */
function leaveNetwork(world: World, { stage, traced, frontend }: Pull): void {
  if (stage.phase === 'landing') return;
  traced.endSeconds = world.engine.nowSeconds;
  if (frontend !== undefined) {
    world.frontendPulls[frontend] = (world.frontendPulls[frontend] ?? 0) - 1;
  }
  if (stage.phase !== 'moving') return;
  world.engine.end(stage.flow);
  world.moving.delete(stage.flow);
  if (frontend !== undefined) world.movingToFrontend -= 1;
}
