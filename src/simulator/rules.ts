import { unreachable } from '../base/assert.ts';
import { FRONTEND, type PlannerCommand, type PlannerOptions } from '../planner/types.ts';
import { goodCopies, type Ledger, type LedgerNode, type LedgerTransfer } from './ledger-entries.ts';

// The rules of docs/decisions/0001-greedy-planner.md, each as the list of what breaks it, in words.

type Command<Type> = Extract<PlannerCommand, { type: Type }>;

/** What a command breaks, judged before it is carried out. */
export function brokenBy(
  ledger: Ledger,
  options: PlannerOptions,
  command: PlannerCommand,
): string[] {
  switch (command.type) {
    case 'pull':
      return [...brokenByPull(ledger, options, command), ...brokenLinks(ledger, command)];
    case 'release':
      return brokenByRelease(ledger, command);
    case 'give-up':
      return brokenByGiveUp(ledger, command);
    default:
      return unreachable(command);
  }
}

function brokenByPull(ledger: Ledger, options: PlannerOptions, pull: Command<'pull'>): string[] {
  const { image, from, to } = pull;
  const broken: string[] = [];
  const source = ledger.nodes.get(from);
  const target = ledger.nodes.get(to);
  const known = ledger.images.get(image);
  if (source?.phase !== 'up') broken.push(`pull from ${from}, which is gone`);
  if (to !== FRONTEND && target?.phase !== 'up') broken.push(`pull onto ${to}, which is gone`);
  if (from === to) broken.push(`pull from ${from} onto itself`);
  const hops = source?.copies.get(image)?.hops;
  if (hops === undefined) broken.push(`pull of ${image} from ${from}, which has no good copy`);
  else if (to !== FRONTEND && hops >= options.maxHops) broken.push(`${image} makes a hop too many`);
  if (known === undefined || known.safe || known.givenUp) broken.push(`${image} needs no pull`);
  if (known !== undefined && known.failures >= options.maxAttempts) {
    broken.push(`${image} is tried more than ${options.maxAttempts} times`);
  }
  if (
    target !== undefined &&
    usedBytes(ledger, to, target) + (known?.bytes ?? 0) > target.roomBytes
  ) {
    broken.push(`pull of ${image} onto ${to}, which has no room`);
  }
  return broken;
}

function brokenLinks(ledger: Ledger, { transfer, image, from, to }: Command<'pull'>): string[] {
  const broken: string[] = [];
  if (ledger.transfers.has(transfer)) broken.push(`transfer ${transfer} is commanded twice`);
  if ((ledger.images.get(image)?.underWay ?? 0) > 0) broken.push(`${image} is under way twice`);
  const sent = moving(ledger, from).filter((one) => one.from === from);
  if (to === FRONTEND) {
    if (ledger.frontendPulls.size >= ledger.senders)
      broken.push('too many senders to the frontend');
    if (sent.some((one) => one.to === FRONTEND)) broken.push(`${from} uses two slots`);
    return broken;
  }
  if (sent.some((one) => one.to !== FRONTEND)) broken.push(`${from} sends to two peers`);
  if (moving(ledger, to).some((one) => one.to === to)) {
    broken.push(`${to} receives from two peers`);
  }
  return broken;
}

/** Transfers from or to the node that still use its link. */
function moving(ledger: Ledger, node: string): LedgerTransfer[] {
  const transfers = ledger.nodes.get(node)?.transfers ?? [];
  return [...transfers].filter((one) => one.phase === 'moving');
}

function brokenByRelease(ledger: Ledger, { node }: Command<'release'>): string[] {
  const broken: string[] = [];
  const released = ledger.nodes.get(node);
  if (released?.phase !== 'up') return [`release of ${node}, which is gone`];
  if (!released.listed) broken.push(`release of ${node}, which has not named all images`);
  if (released.stays) broken.push(`release of ${node}, which stays`);
  if (released.transfers.size > 0) broken.push(`release of ${node} while it sends or receives`);
  for (const image of released.copies.keys()) {
    if (ledger.images.get(image)?.safe === true) continue;
    if (goodCopies(ledger, image) < 2) {
      broken.push(`release of ${node}, which has the only copy of ${image}`);
    }
  }
  return broken;
}

function brokenByGiveUp(ledger: Ledger, { image, reason }: Command<'give-up'>): string[] {
  const known = ledger.images.get(image);
  if (known === undefined || known.safe || known.givenUp) return [`${image} cannot be given up`];
  const hasCopy = goodCopies(ledger, image) > 0;
  if (hasCopy !== (reason === 'attempts')) return [`${image} is given up for a wrong reason`];
  return [];
}

/** A slot must not be free while a node could use it. A cut-off node may wait for its detour. */
export function idleFrontend(ledger: Ledger): string[] {
  if (ledger.frontendPulls.size >= ledger.senders || ledger.cutOffFrontend) return [];
  const busy = new Set([...ledger.frontendPulls].map((one) => one.from));
  for (const [id, { phase, copies }] of ledger.nodes) {
    if (phase !== 'up' || busy.has(id)) continue;
    for (const image of copies.keys()) {
      const known = ledger.images.get(image);
      if (known === undefined || known.safe || known.givenUp || known.underWay > 0) continue;
      // Whoever sends to the frontend will send that as well.
      if ([...known.holders].some((holder) => busy.has(holder))) continue;
      return [`the frontend idles while ${id} has ${image}`];
    }
  }
  return [];
}

/** What is left undone at the end of a run. */
export function unfinished(ledger: Ledger, plannerIsIdle: boolean): string[] {
  const broken = plannerIsIdle ? [] : ['the run has stalled'];
  for (const [id, image] of ledger.images) {
    if (!image.safe && !image.givenUp) broken.push(`${id} is neither safe nor given up`);
  }
  for (const [id, node] of ledger.nodes) {
    const isHolder = [...node.copies.keys()].some((one) => ledger.images.get(one)?.givenUp);
    if (node.phase === 'up' && !node.stays && !isHolder) broken.push(`${id} is not released`);
  }
  return broken;
}

/** Foreign images on the node and on their way to it. */
function usedBytes(ledger: Ledger, id: string, node: LedgerNode): number {
  let sumBytes = 0;
  for (const [image, { hops }] of node.copies) {
    if (hops > 0) sumBytes += ledger.images.get(image)?.bytes ?? 0;
  }
  for (const { to, image } of node.transfers) {
    if (to === id) sumBytes += ledger.images.get(image)?.bytes ?? 0;
  }
  return sumBytes;
}
