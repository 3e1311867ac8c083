import { type Dice, diceOf } from '../fuzz/dice.ts';
import type { Objective } from '../src/planner/types.ts';
import type { ChannelFaults } from './machine/channel.ts';

/** What one seed stands for: a cluster, its images, and what goes wrong when. */
export interface Scenario {
  readonly seed: number;
  readonly nodes: readonly ScenarioNode[];
  readonly chunkSizeBytes: number;
  readonly copies: number;
  readonly senders: number;
  readonly objective: Objective;
  /** Of 100 hosts that are given back, how many are wiped at once. */
  readonly wipedPercent: number;
  /** Of 100 changes that were not synced, how many survive a loss of power. */
  readonly survivingPercent: number;
  readonly channelFaults: ChannelFaults;
  readonly faults: readonly Fault[];
  /** How images lie on the frontend. */
  readonly layout: 'files' | 'store';
  /** Whether hosts have a program that syncs a whole file system. */
  readonly hasSync: boolean;
}

interface ScenarioNode {
  readonly name: string;
  readonly images: readonly { readonly path: string; readonly bytes: Buffer }[];
}

/** The process that a fault is meant for: `frontend` is the frontend's agent. */
export type Victim = 'coordinator' | 'frontend' | { readonly node: string };

export type Fault = { readonly when: Moment } & (
  | { readonly kind: 'kill' | 'power'; readonly victim: Victim }
  | { readonly kind: 'stop'; readonly victim: Victim; readonly durationMs: number }
  | { readonly kind: 'vanish' | 'cut-channel' | 'reset-connections'; readonly node: string }
  | { readonly kind: 'isolate'; readonly node: string; readonly durationMs: number }
  | { readonly kind: 'slow-link'; readonly node: string; readonly times: number }
  | { readonly kind: 'slow-disk'; readonly host: string; readonly times: number }
  | { readonly kind: 'failing-syncs'; readonly host: string; readonly count: number }
  | { readonly kind: 'flip-read' | 'flip-at-rest'; readonly node: string }
  | { readonly kind: 'full-disk'; readonly host: string; readonly roomBytes: number }
  | { readonly kind: 'failing-hook'; readonly node: string; readonly count: number }
  | { readonly kind: 'clock'; readonly host: string; readonly aheadMs: number }
  | { readonly kind: 'interrupt' }
);

/** In an attempt, by time since its start, or before an effect of the victim. */
type Moment = { readonly attempt: number } & (
  | { readonly afterMs: number }
  | { readonly beforeEffect: number }
);

export type FaultKind = Fault['kind'];

/** The host on which the command runs. */
export const FRONTEND_HOST = 'frontend';

const CHUNK_BYTES = 4096;
const MOST_NODES = 5;
const MOST_CHUNKS = 12;
const MOST_FAULTS = 4;
/** Attempts that faults may happen in; those after are calm. */
export const STORMY_ATTEMPTS = 3;

/** The scenario of a seed, always the same. */
export function scenarioOf(seed: number): Scenario {
  const dice = diceOf(`scenario ${seed}`);
  const common = Array.from({ length: 6 }, () => dice.bytes(CHUNK_BYTES));
  const nodes = Array.from({ length: 1 + dice.below(MOST_NODES) }, (_, at) => {
    const name = `node${at + 1}`;
    return { name, images: drawImages(dice, name, common) };
  });
  const names = nodes.map(({ name }) => name);
  const faultCount = dice.oneIn(12) ? 0 : 1 + dice.below(MOST_FAULTS);
  const isUnruly = dice.oneIn(8);
  const perMille = (): number => (isUnruly && dice.oneIn(2) ? 1 + dice.below(40) : 0);
  const drawn: Omit<Scenario, 'layout' | 'hasSync'> = {
    seed,
    nodes,
    chunkSizeBytes: CHUNK_BYTES,
    copies: dice.oneIn(3) ? 2 : 1,
    senders: dice.oneIn(6) ? 2 : 1,
    objective: dice.oneIn(4) ? { kind: 'target', fraction: 0.8 } : { kind: 'mean' },
    wipedPercent: dice.pick([0, 50, 100, 100]),
    survivingPercent: dice.pick([0, 0, 50, 90]),
    channelFaults: {
      dropPerMille: perMille(),
      duplicatePerMille: perMille(),
      reorderPerMille: perMille(),
    },
    faults: Array.from({ length: faultCount }, () => drawFault(dice, names)),
  };
  // Last, since it came later: what seeds stood for before, the others still do.
  return { ...drawn, ...drawLayout(dice, drawn.faults) };
}

/** What a seed's target is. A store is written in many steps: some writers are stopped in between. */
function drawLayout(
  dice: Dice,
  faults: readonly Fault[],
): Pick<Scenario, 'layout' | 'hasSync' | 'faults'> {
  const layout = dice.oneIn(3) ? 'store' : 'files';
  const hasSync = dice.oneIn(2);
  if (layout === 'files' || !dice.oneIn(3)) return { layout, hasSync, faults };
  const when = { attempt: 0, beforeEffect: 20 + dice.below(100) };
  return { layout, hasSync, faults: [...faults, { kind: 'kill', victim: 'frontend', when }] };
}

function drawImages(dice: Dice, node: string, common: readonly Buffer[]) {
  return Array.from({ length: dice.oneIn(3) ? 2 : 1 }, (_, at) => {
    const chunks = Array.from({ length: 1 + dice.below(MOST_CHUNKS) }, () =>
      dice.pick([
        Buffer.alloc(CHUNK_BYTES),
        dice.pick(common),
        dice.bytes(CHUNK_BYTES),
        dice.bytes(CHUNK_BYTES),
      ]),
    );
    const whole = Buffer.concat(chunks);
    const shorter = dice.pick([0, 1, 511, 4095, dice.below(CHUNK_BYTES)]);
    const isTiny = dice.oneIn(12);
    const bytes = isTiny
      ? whole.subarray(0, dice.below(2))
      : whole.subarray(0, -shorter || whole.length);
    return { path: `/images/${node}-disk${at}.img`, bytes };
  });
}

function drawFault(dice: Dice, nodes: readonly string[]): Fault {
  const node = dice.pick(nodes);
  const host = dice.oneIn(3) ? FRONTEND_HOST : node;
  const victim = drawVictim(dice, node);
  const attempt = dice.oneIn(3) ? dice.below(STORMY_ATTEMPTS) : 0;
  // Most runs take less than a second. What goes on is hit as it begins, now and then.
  const isAtOnce = attempt > 0 && dice.oneIn(2);
  const spreadMs = 30 + spread(dice, dice.pick([300, 300, 300, 20_000]));
  const timed = { attempt, afterMs: isAtOnce ? 0 : spreadMs };
  const counted = { attempt, beforeEffect: 1 + dice.below(dice.pick([30, 100, 300])) };
  const durationMs = spread(dice, 120_000);
  const kind = dice.pick(KINDS);
  switch (kind) {
    case 'kill':
    case 'power':
      return { kind, victim, when: dice.oneIn(4) ? timed : counted };
    case 'stop':
      return { kind, victim, durationMs, when: dice.oneIn(2) ? timed : counted };
    case 'vanish':
    case 'cut-channel':
    case 'reset-connections':
    case 'flip-read':
    case 'flip-at-rest':
      return { kind, node, when: timed };
    case 'isolate':
      return { kind, node, durationMs, when: timed };
    case 'slow-link':
      return { kind, node, times: dice.pick([10, 100, 1000]), when: timed };
    case 'slow-disk':
      return { kind, host, times: dice.pick([10, 100, 3000]), when: timed };
    case 'failing-syncs':
      return { kind, host, count: 1 + dice.below(3), when: timed };
    case 'full-disk':
      return { kind, host, roomBytes: dice.below(16) * CHUNK_BYTES, when: timed };
    case 'failing-hook':
      return { kind, node, count: 1 + dice.below(2), when: timed };
    case 'clock':
      return { kind, host, aheadMs: dice.pick([-86_400_000, 3_600_000, 86_400_000]), when: timed };
    case 'interrupt':
      return { kind, when: timed };
  }
}

/** Crashes come most often. */
const KINDS: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill',
  'kill',
  'power',
  'power',
  'power',
  'power',
  'stop',
  'stop',
  'vanish',
  'vanish',
  'cut-channel',
  'reset-connections',
  'reset-connections',
  'reset-connections',
  'isolate',
  'isolate',
  'slow-link',
  'slow-disk',
  'failing-syncs',
  'flip-read',
  'flip-read',
  'flip-at-rest',
  'full-disk',
  'full-disk',
  'failing-hook',
  'clock',
  'interrupt',
];

function drawVictim(dice: Dice, node: string): Victim {
  return dice.pick(['coordinator', 'coordinator', 'frontend', { node }, { node }]);
}

/** From nearly 0 to `most`, small values as often as large ones. */
function spread(dice: Dice, most: number): number {
  return most ** (dice.below(1000) / 1000);
}
