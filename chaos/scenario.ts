import { diceOf, type Dice } from '../fuzz/dice.ts';
import { endsCommand, FAULT_KINDS, type Fault, type FaultKind } from './fault.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

const MAX_FAULTS = 3;
/** Images of some size are from this to that. */
const LEAST_BYTES = 4 * MiB;
const MOST_BYTES = 16 * MiB;
/** The longest that a link is down or slow, and that a process is stopped. */
const LONGEST_LINK_SECONDS = 20;
const LONGEST_STOP_SECONDS = 30;
/** How much a full file system may still take. */
const MOST_FREE_BYTES = 12 * MiB;
/** The part of a run in which faults strike. */
const FIRST_MOMENT = 0.03;
const LAST_MOMENT = 0.9;
/** Early ones are more frequent: nodes that were released cannot be struck. */
const EARLINESS = 1.7;

/** An image that a node has. */
export interface SampleImage {
  /** Of the file. */
  readonly name: string;
  /**
   * `noise` is the node's own, `twin` the same on all nodes that have one of that size, `sparse` has
   * holes, a base that all share, and own bytes; `zeros` is one hole.
   */
  readonly kind: 'noise' | 'twin' | 'sparse' | 'zeros';
  readonly sizeBytes: number;
}

/** A round as it is drawn: what is gathered, how, and what goes wrong. */
export interface Scenario {
  /** What the round is drawn from: `SEED:NUMBER`. */
  readonly text: string;
  readonly number: number;
  readonly layout: 'files' | 'store';
  readonly copies: 1 | 2;
  /** A node whose release command succeeded loses its link for good. */
  readonly givesBack: boolean;
  readonly images: ReadonlyMap<string, readonly SampleImage[]>;
  readonly faults: readonly Fault[];
}

/** Draws a round; the same one for the same arguments. */
export function drawScenario(options: {
  readonly seed: number;
  readonly number: number;
  readonly nodes: readonly string[];
  /** Other kinds are not drawn. */
  readonly kinds?: readonly FaultKind[];
}): Scenario {
  const { seed, number, nodes, kinds = FAULT_KINDS } = options;
  const text = `${seed}:${number}`;
  const dice = diceOf(`chaos ${text}`);
  const layout = dice.oneIn(2) ? 'store' : 'files';
  const copies = dice.oneIn(3) ? 2 : 1;
  const givesBack = dice.oneIn(2);
  const twinBytes = sizeFrom(dice);
  const images = new Map(nodes.map((node) => [node, drawImages(dice, twinBytes)]));
  const faults = drawFaults(dice, { nodes, kinds });
  return { text, number, layout, copies, givesBack, images, faults };
}

function drawImages(dice: Dice, twinBytes: number): readonly SampleImage[] {
  const kind = dice.pick(['noise', 'noise', 'sparse', 'twin'] as const);
  const sizeBytes = kind === 'twin' ? twinBytes : sizeFrom(dice);
  const images: SampleImage[] = [{ name: 'disk.img', kind, sizeBytes }];
  if (dice.oneIn(4)) images.push({ name: 'one.img', kind: 'noise', sizeBytes: 1 });
  if (dice.oneIn(4)) images.push({ name: 'empty.img', kind: 'zeros', sizeBytes: 0 });
  if (dice.oneIn(4)) images.push({ name: 'hole.img', kind: 'zeros', sizeBytes: sizeFrom(dice) });
  if (dice.oneIn(4)) images.push({ name: 'ram.img', kind: 'noise', sizeBytes: sizeFrom(dice) });
  return images;
}

/** A size that is hardly ever a whole number of chunks. */
function sizeFrom(dice: Dice): number {
  return LEAST_BYTES + dice.below(MOST_BYTES - LEAST_BYTES + 1);
}

interface Choice {
  readonly nodes: readonly string[];
  readonly kinds: readonly FaultKind[];
}

/** One to three faults, each kind once; one that strikes the second command needs one to be. */
function drawFaults(dice: Dice, { nodes, kinds }: Choice): readonly Fault[] {
  const count = Math.min(1 + dice.below(MAX_FAULTS), kinds.length);
  const faults: Fault[] = [];
  while (faults.length < count) {
    const left = kinds.filter((kind) => !faults.some((fault) => fault.kind === kind));
    const second = faults.some(endsCommand) && dice.oneIn(2);
    faults.push(drawFault(dice, { kind: dice.pick(left), nodes, command: second ? 2 : 1 }));
  }
  return faults;
}

function drawFault(
  dice: Dice,
  wanted: {
    readonly kind: FaultKind;
    readonly nodes: readonly string[];
    readonly command: 1 | 2;
  },
): Fault {
  const { kind, nodes } = wanted;
  const share = (dice.below(1000) / 1000) ** EARLINESS;
  const when = {
    command: wanted.command,
    moment: FIRST_MOMENT + share * (LAST_MOMENT - FIRST_MOMENT),
  };
  const node = dice.pick(nodes);
  switch (kind) {
    case 'kill-agent':
    case 'kill-sshd':
    case 'link-gone':
      return { kind, node, ...when };
    case 'kill-receiver':
    case 'kill-coordinator':
      return { kind, ...when };
    case 'link-down':
    case 'link-slow':
      return { kind, node, seconds: secondsUpTo(dice, LONGEST_LINK_SECONDS), ...when };
    case 'stop-agent':
      return { kind, node, seconds: secondsUpTo(dice, LONGEST_STOP_SECONDS), ...when };
    case 'stop-receiver':
    case 'stop-coordinator':
      return { kind, seconds: secondsUpTo(dice, LONGEST_STOP_SECONDS), ...when };
    case 'full-spool':
      return { kind, node, freeBytes: dice.below(MOST_FREE_BYTES), ...sometimesFirst(dice, when) };
    case 'full-target':
      return { kind, freeBytes: dice.below(MOST_FREE_BYTES), ...sometimesFirst(dice, when) };
    case 'failing-hook':
      return { kind, nodes: nodes.filter(() => dice.oneIn(2)), ...when, moment: 0 };
  }
}

/** From one second on; short ones are as frequent as long ones are: the logarithm is even. */
function secondsUpTo(dice: Dice, longest: number): number {
  return longest ** (dice.below(1000) / 1000);
}

/** Half of the file systems are full before the command begins. */
function sometimesFirst<T extends { readonly moment: number }>(dice: Dice, when: T): T {
  return dice.oneIn(2) ? { ...when, moment: 0 } : when;
}
