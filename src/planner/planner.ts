import { assert } from '../base/assert.ts';
import { beginDrain, closeChannel, endDrain, openChannel, type ChosenDrain } from './drains.ts';
import { applyEvent } from './events.ts';
import { chooseForFrontend } from './frontend.ts';
import { updateKeepers } from './keepers.ts';
import { assemble } from './taking-part.ts';
import { sendsToPeer } from './links.ts';
import { accepts } from './berths.ts';
import { freeSpeed, speedBetween } from './channel-speed.ts';
import { chooseDetour } from './detours.ts';
import { chooseDrain } from './pairing.ts';
import { giveUpImages, releaseNodes } from './release.ts';
import { refresh } from './standing.ts';
import { createState, type Node, type State } from './state.ts';
import { beginPull } from './transfers.ts';
import type { Planner, PlannerCommand, PlannerEvent, PlannerOptions } from './types.ts';

/**
 * A planner that knows of no node yet. After every event it decides greedily: the frontend is kept
 * busy, then idle nodes are paired, then whoever is not needed is released. An event takes time
 * logarithmic in the number of nodes. See docs/decisions/0001 and 0007.
 */
export function createPlanner(options: PlannerOptions): Planner {
  checkOptions(options);
  const state = createState(options);
  return {
    handle(event: PlannerEvent): readonly PlannerCommand[] {
      applyEvent(state, event);
      const commands = decide(state);
      state.touched.clear();
      return commands;
    },
    idle: () => state.active.size === 0 && state.waitingCount === 0 && state.unlistedCount === 0,
  };
}

function checkOptions({ objective, senders, maxHops, maxAttempts, copies }: PlannerOptions): void {
  assert(Number.isInteger(senders) && senders >= 1, 'at least one node may send to the frontend');
  assert(Number.isInteger(maxHops) && maxHops >= 0, 'maxHops is a count');
  assert(Number.isInteger(maxAttempts) && maxAttempts >= 1, 'at least one attempt is allowed');
  assert(Number.isInteger(copies) && copies >= 1, 'a node is released when others have its images');
  if (objective.kind === 'mean') return;
  assert(objective.fraction >= 0 && objective.fraction <= 1, 'the target is a share of the nodes');
}

function decide(state: State): PlannerCommand[] {
  const commands = giveUpImages(state);
  noticeAssembled(state);
  updateKeepers(state);
  commands.push(...startDrains(state, chooseDetour));
  commands.push(...feedFrontend(state));
  commands.push(...continueDrains(state));
  commands.push(...startDrains(state, chooseDrain));
  commands.push(...releaseNodes(state));
  return commands;
}

/** Nobody is waited for once all nodes that are expected have named their images. */
function noticeAssembled(state: State): void {
  const isComplete = state.nodes.size >= state.expectedNodes && state.unlistedCount === 0;
  if (state.assembled || !isComplete) return;
  assemble(state);
}

/** Fills the frontend's free slots. */
function feedFrontend(state: State): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  while (state.frontendPulls.size < state.senders) {
    refresh(state);
    const choice = chooseForFrontend(state);
    if (choice === undefined) break;
    endDrain(state, choice.node);
    commands.push(beginPull(state, choice.replica, undefined));
  }
  return commands;
}

/** Begins drains as long as there is one to begin. */
function startDrains(
  state: State,
  choose: (state: State) => ChosenDrain | undefined,
): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (;;) {
    refresh(state);
    const chosen = choose(state);
    if (chosen === undefined) return commands;
    beginDrain(state, chosen.from, chosen.berths);
    commands.push(...continueDrain(state, chosen.from));
  }
}

/** Starts the next pull of every drain whose last image has arrived; ends those that are stuck. */
function continueDrains(state: State): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const node of state.touched) commands.push(...continueDrain(state, node));
  return commands;
}

function continueDrain(state: State, from: Node): PlannerCommand[] {
  if (!from.draining || sendsToPeer(from)) return [];
  let isWaiting = false;
  for (const replica of from.seated) {
    const { berth, image, isRelayable } = replica;
    // What has arrived here but is not durable yet will follow.
    if (replica.transfer !== undefined || image.frontendPull !== undefined) {
      isWaiting = true;
      continue;
    }
    const isGood = berth !== undefined && isRelayable && mayReceiveMore(berth.to);
    if (!isGood || !accepts(berth.to, replica, from)) break;
    const { to } = berth;
    const isOpen = from.channel?.to === to;
    if (!isOpen) closeChannel(state, from);
    const speed = isOpen ? from.channel?.speed : startingSpeed(state, from, to);
    if (speed === undefined) {
      isWaiting = true;
      continue;
    }
    openChannel(state, from, { to, speed });
    return [beginPull(state, replica, to)];
  }
  if (!isWaiting) endDrain(state, from);
  return [];
}

/** Who does not receive from others begins, however slow: its sender must not wait for ever. */
function startingSpeed(state: State, from: Node, to: Node): number | undefined {
  const isFree = to.sources.size === 0;
  return freeSpeed(state, from, to) ?? (isFree ? speedBetween(state, from, to) : undefined);
}

/**
 * A receiver that the frontend has emptied is better released than filled again; and images that
 * turned out larger may have taken the room.
 */
function mayReceiveMore(to: Node): boolean {
  return to.freeBytes >= 0 && (to.seated.size > 0 || to.leavingBytes > 0 || !to.listed);
}
