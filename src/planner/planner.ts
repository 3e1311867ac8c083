import { assert } from '../base/assert.ts';
import { applyEvent } from './events.ts';
import { chooseForFrontend } from './frontend.ts';
import { currentKeepers } from './keepers.ts';
import { acceptsImage, chooseDetours, choosePairs, isRelayable, type Pair } from './pairing.ts';
import { giveUpImages, releaseNodes } from './release.ts';
import { beginDrain, endDrain, nextImage, sendsToFrontend, sendsToPeer } from './links.ts';
import { createState, type Node, type State } from './state.ts';
import { beginPull } from './transfers.ts';
import type { Planner, PlannerCommand, PlannerEvent, PlannerOptions } from './types.ts';

/**
 * A planner that knows of no node yet. After every event it decides greedily: the frontend is kept
 * busy, then idle nodes are paired, then whoever is not needed is released. See
 * docs/decisions/0001.
 */
export function createPlanner(options: PlannerOptions): Planner {
  checkOptions(options);
  const state = createState(options);
  return {
    handle(event: PlannerEvent): readonly PlannerCommand[] {
      applyEvent(state, event);
      return decide(state);
    },
    idle(): boolean {
      if (state.active.size > 0 || state.waitingCount > 0) return false;
      for (const node of state.up) if (!node.listed) return false;
      return true;
    },
  };
}

function checkOptions({ objective, senders, maxHops, maxAttempts }: PlannerOptions): void {
  assert(Number.isInteger(senders) && senders >= 1, 'at least one node may send to the frontend');
  assert(Number.isInteger(maxHops) && maxHops >= 0, 'maxHops is a count');
  assert(Number.isInteger(maxAttempts) && maxAttempts >= 1, 'at least one attempt is allowed');
  if (objective.kind === 'mean') return;
  assert(objective.fraction >= 0 && objective.fraction <= 1, 'the target is a share of the nodes');
}

function decide(state: State): PlannerCommand[] {
  const commands = giveUpImages(state);
  commands.push(...startPairs(state, chooseDetours(state)));
  commands.push(...feedFrontend(state));
  commands.push(...continueDrains(state));
  commands.push(...startPairs(state, choosePairs(state, currentKeepers(state))));
  commands.push(...releaseNodes(state));
  return commands;
}

/** Fills the frontend's free slots. */
function feedFrontend(state: State): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const node of state.up) {
    if (node.seated.size === 0 && !sendsToFrontend(node)) node.drainsToFrontend = false;
  }
  while (state.frontendPulls.size < state.senders) {
    const choice = chooseForFrontend(state, currentKeepers(state));
    if (choice === undefined) break;
    endDrain(choice.node);
    choice.node.drainsToFrontend = choice.untilEmpty;
    commands.push(beginPull(state, choice.image, undefined));
  }
  return commands;
}

/**
 * Starts the next pull of every bond whose last image has arrived; ends bonds that are done or
 * stuck.
 */
function continueDrains(state: State): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const node of state.up) {
    if (node.drainsTo === undefined || sendsToPeer(node)) continue;
    commands.push(...continueDrain(state, node, node.drainsTo));
  }
  return commands;
}

function continueDrain(state: State, from: Node, to: Node): PlannerCommand[] {
  const image = nextImage(from);
  // What has arrived here but is not durable yet will follow.
  if (image === undefined && from.seated.size > 0) return [];
  // A receiver that the frontend has emptied is better released than filled again.
  const goesOn =
    image !== undefined &&
    to.seated.size > 0 &&
    isRelayable(state, image) &&
    acceptsImage(to, image, from);
  if (goesOn) return [beginPull(state, image, to)];
  endDrain(from);
  return [];
}

function startPairs(state: State, pairs: readonly Pair[]): PlannerCommand[] {
  const commands: PlannerCommand[] = [];
  for (const { from, to } of pairs) {
    const image = nextImage(from);
    assert(image !== undefined, `${from.id} has something to send`);
    beginDrain(from, to);
    commands.push(beginPull(state, image, to));
  }
  return commands;
}
