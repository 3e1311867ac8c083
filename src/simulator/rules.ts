import { unreachable } from '../base/assert.ts';
import { FRONTEND, type PlannerCommand, type PlannerOptions } from '../planner/types.ts';
import { goodCopies, type Ledger, type LedgerNode } from './ledger.ts';

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
  if (target !== undefined && usedBytes(ledger, target) + (known?.bytes ?? 0) > target.roomBytes) {
    broken.push(`pull of ${image} onto ${to}, which has no room`);
  }
  return broken;
}

function brokenLinks(ledger: Ledger, { transfer, image, from, to }: Command<'pull'>): string[] {
  const broken: string[] = [];
  const running = [...ledger.active].filter((one) => one.phase === 'moving');
  const frontendPulls = running.filter((one) => one.to === FRONTEND);
  if (ledger.transfers.has(transfer)) broken.push(`transfer ${transfer} is commanded twice`);
  if ([...ledger.active].some((one) => one.image === image)) {
    broken.push(`${image} is under way twice`);
  }
  if (to === FRONTEND) {
    if (frontendPulls.length >= ledger.senders) broken.push('too many senders to the frontend');
    if (frontendPulls.some((one) => one.from === from)) broken.push(`${from} uses two slots`);
    return broken;
  }
  if (running.some((one) => one.to !== FRONTEND && one.from === from)) {
    broken.push(`${from} sends to two peers`);
  }
  if (running.some((one) => one.to === to)) broken.push(`${to} receives from two peers`);
  return broken;
}

function brokenByRelease(ledger: Ledger, { node }: Command<'release'>): string[] {
  const broken: string[] = [];
  const released = ledger.nodes.get(node);
  if (released?.phase !== 'up') return [`release of ${node}, which is gone`];
  if (!released.listed) broken.push(`release of ${node}, which has not named all images`);
  if (released.stays) broken.push(`release of ${node}, which stays`);
  for (const { from, to } of ledger.active) {
    if (from === node || to === node) {
      broken.push(`release of ${node} while it sends or receives`);
    }
  }
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
  const active = [...ledger.active];
  const pulls = active.filter((one) => one.to === FRONTEND && one.phase === 'moving');
  if (pulls.length >= ledger.senders || ledger.cutOffFrontend) return [];
  const busy = new Set(pulls.map((one) => one.from));
  const taken = new Set(active.map((one) => one.image));
  for (const id of busy)
    for (const image of ledger.nodes.get(id)?.copies.keys() ?? []) taken.add(image);
  for (const [id, node] of ledger.nodes) {
    if (node.phase !== 'up' || busy.has(id)) continue;
    for (const image of node.copies.keys()) {
      const known = ledger.images.get(image);
      if (known === undefined || known.safe || known.givenUp || taken.has(image)) continue;
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
function usedBytes(ledger: Ledger, node: LedgerNode): number {
  let sumBytes = 0;
  for (const [image, { hops }] of node.copies) {
    if (hops > 0) sumBytes += ledger.images.get(image)?.bytes ?? 0;
  }
  for (const { to, image } of ledger.active) {
    if (ledger.nodes.get(to) === node) {
      sumBytes += ledger.images.get(image)?.bytes ?? 0;
    }
  }
  return sumBytes;
}
