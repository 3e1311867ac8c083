import { createPlanner } from '../../src/planner/planner.ts';
import {
  FRONTEND,
  type Blame,
  type PlannerCommand,
  type PlannerEvent,
  type PlannerOptions,
} from '../../src/planner/types.ts';
import { createChecker } from '../../src/simulator/checker.ts';
import { arrival, NODES, pickOf, type Draw } from './random-draws.ts';
import { numbers, sketched } from './telling.ts';

// Events in any order that `PlannerEvent` allows, also such as no simulated cluster gives: nodes
// come back, images turn up on several nodes, copies become durable after their transfer failed.

const BLAMES: readonly Blame[] = ['source', 'target', 'link'];

/** Rounds after which all that is left to do is done. */
const MAX_ROUNDS = 1000;

type Pull = Extract<PlannerCommand, { type: 'pull' }> & {
  phase: 'moving' | 'landing' | 'ended' | 'gone';
};

/** A planner under watch, and what is true of its cluster. */
export function createRandomRun(options: PlannerOptions) {
  const planner = createPlanner(options);
  const checker = createChecker(options);
  const up = new Set<string>();
  const images = new Map<string, number>();
  const pulls: Pull[] = [];
  const closed = new Set<string>();

  /** Nothing more happens to an image that is safe or given up; its holders stay in any case. */
  function close(image: string): void {
    closed.add(image);
    images.delete(image);
  }

  /** What was landing from the node goes on; what comes late onto it is gone with it. */
  function leave(node: string): void {
    up.delete(node);
    for (const pull of pulls) {
      if (pull.to === node) pull.phase = 'gone';
      else if (pull.from === node && isMoving(pull)) pull.phase = 'ended';
    }
  }

  function tell(event: PlannerEvent): void {
    note(event);
    checker.event(event, pulls.length);
    for (const command of planner.handle(event)) {
      checker.command(command, pulls.length);
      if (command.type === 'pull') pulls.push({ ...command, phase: 'moving' });
      if (command.type === 'release') leave(command.node);
      if (command.type === 'give-up' && command.reason === 'attempts') close(command.image);
    }
    checker.settled(pulls.length);
  }

  function note(event: PlannerEvent): void {
    if (event.type === 'joined') up.add(event.node);
    if (event.type === 'held' && !closed.has(event.image)) images.set(event.image, event.bytes);
    if (event.type === 'lost') leave(event.node);
    const pull = 'transfer' in event && pulls.find((one) => one.transfer === event.transfer);
    if (pull) pull.phase = event.type === 'arrived' ? 'landing' : 'ended';
    if (pull && event.type === 'durable' && pull.to === FRONTEND) close(pull.image);
  }

  /** What the draw means now, if anything. */
  function eventsOf({ kind, pick, other, amount }: Draw): readonly PlannerEvent[] {
    const node = pickOf([...up], pick);
    const [image, bytes = 0] = pickOf([...images], other) ?? [];
    switch (kind) {
      case 'present': {
        const absent = pickOf(
          NODES.filter(
            (one) => !up.has(one) && !pulls.some((pull) => pull.from === one && isUnderWay(pull)),
          ),
          pick,
        );
        return absent === undefined ? [] : arrival(absent, { other, amount });
      }
      case 'held':
        // With several copies, one that turns up during a drain may be released as a spare.
        return node && image && options.copies === 1 ? [{ type: 'held', node, image, bytes }] : [];
      case 'listed':
      case 'stays':
      case 'lost':
        return node ? [{ type: kind, node }] : [];
      case 'spoiled':
        return node && image ? [{ type: 'spoiled', node, image }] : [];
      case 'sketched':
        return image ? [sketched(image, numbers(8, amount))] : [];
      case 'sized':
        return image ? [{ type: 'sized', image, bytes: amount }] : [];
      case 'arrived':
      case 'durable':
      case 'late durable':
      case 'failed':
        return newsOf(kind, { pick, blame: pickOf(BLAMES, other) ?? 'link' });
      case 'senders-allowed':
        return [{ type: kind, senders: 1 + (amount % 3) }];
      case 'assembled':
        return [{ type: kind }];
    }
  }

  function newsOf(
    kind: 'arrived' | 'durable' | 'late durable' | 'failed',
    { pick, blame }: { readonly pick: number; readonly blame: Blame },
  ): readonly PlannerEvent[] {
    const isLate = kind === 'late durable';
    const wanted = { arrived: 'moving', durable: 'landing', failed: 'moving' } as const;
    const phase = isLate ? 'ended' : wanted[kind];
    const transfer = pickOf(
      pulls.filter((one) => one.phase === phase && !(isLate && closed.has(one.image))),
      pick,
    )?.transfer;
    if (transfer === undefined) return [];
    if (kind === 'failed') return [{ type: 'failed', transfer, blame }];
    return [{ type: isLate ? 'durable' : kind, transfer }];
  }

  return {
    tell,
    eventsOf,
    /** Once all have named their images and all pulls have succeeded. */
    violationsAtEnd(): readonly string[] {
      for (const node of up) tell({ type: 'listed', node });
      tell({ type: 'assembled' });
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const pull = pulls.find(isUnderWay);
        if (pull === undefined) break;
        const type = isMoving(pull) ? 'arrived' : 'durable';
        tell({ type, transfer: pull.transfer });
      }
      checker.ended(planner.idle(), pulls.length);
      return checker.violations;
    },
  };
}

function isMoving({ phase }: Pull): boolean {
  return phase === 'moving';
}

function isUnderWay({ phase }: Pull): boolean {
  return phase === 'moving' || phase === 'landing';
}
