import { unreachable } from '../base/assert.ts';
import { FRONTEND, type PlannerCommand, type PlannerOptions } from '../planner/types.ts';
import { goodCopies, type Ledger, type LedgerTransfer } from './ledger-entries.ts';

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
      return [...brokenByPull(ledger, options, command), ...brokenLinks(ledger, options, command)];
    case 'release':
      return brokenByRelease(ledger, options, command);
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
  if (target !== undefined && target.usedBytes + (known?.bytes ?? 0) > target.roomBytes) {
    broken.push(`pull of ${image} onto ${to}, which has no room`);
  }
  return broken;
}

function brokenLinks(
  ledger: Ledger,
  { copies }: PlannerOptions,
  { transfer, image, from, to }: Command<'pull'>,
): string[] {
  const broken: string[] = [];
  if (ledger.transfers.has(transfer)) broken.push(`transfer ${transfer} is commanded twice`);
  const underWay = [...(ledger.images.get(image)?.underWay ?? [])];
  if (underWay.length >= copies) broken.push(`${image} is under way ${underWay.length + 1} times`);
  const hasCopy = ledger.nodes.get(to)?.copies.has(image) === true;
  if (hasCopy || underWay.some((one) => one.to === to)) broken.push(`${to} gets ${image} twice`);
  const sent = moving(ledger, from);
  if (to === FRONTEND) {
    if (ledger.frontendPulls.size >= ledger.senders)
      broken.push('too many senders to the frontend');
    if (sent.some((one) => one.to === FRONTEND)) broken.push(`${from} uses two slots`);
  } else if (sent.some((one) => one.to !== FRONTEND)) broken.push(`${from} sends to two peers`);
  return broken;
}

/** Transfers from the node that still use its link. */
function moving(ledger: Ledger, node: string): LedgerTransfer[] {
  const outgoing = ledger.nodes.get(node)?.outgoing ?? [];
  return [...outgoing].filter((one) => one.phase === 'moving');
}

function brokenByRelease(
  ledger: Ledger,
  { copies }: PlannerOptions,
  { node }: Command<'release'>,
): string[] {
  const broken: string[] = [];
  const released = ledger.nodes.get(node);
  if (released?.phase !== 'up') return [`release of ${node}, which is gone`];
  if (!released.listed) broken.push(`release of ${node}, which has not named all images`);
  if (released.stays) broken.push(`release of ${node}, which stays`);
  if (released.outgoing.size > 0 || released.incoming.size > 0) {
    broken.push(`release of ${node} while it sends or receives`);
  }
  for (const image of released.copies.keys()) {
    if (ledger.images.get(image)?.safe === true) continue;
    const others = goodCopies(ledger, image) - 1;
    if (others === 0) broken.push(`release of ${node}, which has the only copy of ${image}`);
    else if (others < copies) {
      broken.push(`release of ${node} with ${others} other copies of ${image}, wanted ${copies}`);
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

/**
 * A slot must not be free while a node could use it, once nobody is waited for. A cut-off node may
 * wait for its detour.
 */
export function idleFrontend(ledger: Ledger): string[] {
  if (!ledger.assembled || ledger.cutOffFrontend) return [];
  if (ledger.frontendPulls.size >= ledger.senders) return [];
  for (const [id, { waiting }] of ledger.waitingNodes) {
    if (isSending(ledger, id)) continue;
    for (const image of waiting) {
      // Whoever sends to the frontend will send that as well.
      const holders = [...(ledger.images.get(image)?.holders ?? [])];
      if (holders.some((holder) => isSending(ledger, holder))) continue;
      return [`the frontend idles while ${id} has ${image}`];
    }
  }
  return [];
}

function isSending(ledger: Ledger, node: string): boolean {
  return moving(ledger, node).some((one) => one.to === FRONTEND);
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
