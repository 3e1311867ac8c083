import { KgetError } from '../base/error.ts';
import type { AgentMessage } from '../control/messages.ts';
import { FRONTEND } from '../planner/types.ts';
import { reportOf } from './agent-words.ts';
import { imageOf, routeTo, type ImageFacts, type TransferFacts } from './facts.ts';
import { figuresOf, markFailed } from './failed-transfer.ts';
import { forgetSpare } from './resume.ts';
import type { Run } from './run.ts';
import { measuredRate } from './transfer-rate.ts';
import { objectionTo, type Objection } from './vouching.ts';
import { holdNode } from './withheld.ts';

type Message<Type extends AgentMessage['type']> = Extract<AgentMessage, { type: Type }>;

/** How long a transfer whose link failed is left alone, the first time and at most. */
const RETRY_MS = 500;
const RETRY_LIMIT_MS = 4000;

/** Failures after which a keeper's copy whose chunks do not match is not tried again. */
const ROTTEN_AFTER = 2;

/** Counters of a transfer so far. */
export function count(run: Run, message: Message<'receiving'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  transfer.heardSeconds = run.seconds();
  transfer.wireBytes = message.wireBytes;
  transfer.doneBytes = message.doneBytes;
}

/** Every byte of a transfer has arrived: the links are free. */
export function arrive(run: Run, message: Message<'arrived'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  transfer.state = 'arrived';
  transfer.endSeconds = run.seconds();
  transfer.wireBytes = message.wireBytes;
  const rate = measuredRate(transfer, imageOf(run.facts, transfer.image));
  const measured = rate === undefined ? {} : { bytesPerSecond: rate };
  run.feed({ type: 'arrived', transfer: transfer.id, ...measured });
}

/**
 * A copy counts from here on: it was verified and is durable, and has the contents that the image's
 * origin vouches for, unless that takes no part; the journal knows before anyone acts.
 */
export function settle(run: Run, receiver: string, message: Message<'received'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  const image = imageOf(run.facts, transfer.image);
  Object.assign(transfer, { wireBytes: message.wireBytes, chunks: message.chunks });
  transfer.doneBytes = image.sizeBytes;
  if (image.vouch === 'awaited') return holdBack(run, image, message);
  const reason = objectionTo(run, image, { transfer, digest: message.imageDigest });
  if (reason !== undefined) return refuse(run, transfer, reason);
  const onFrontend = receiver === FRONTEND;
  const { imageDigest: digest } = message;
  const dataBytes = (image.vouch === 'given' ? image.dataBytes : null) ?? message.dataBytes;
  run.ports.journal.append({
    type: 'copy',
    image: image.id,
    at: onFrontend ? null : receiver,
    digest,
    chunkSizeBytes: run.plan.chunkSizeBytes,
    dataBytes,
    transfer: figuresOf(run, transfer),
  });
  image.digest = digest;
  image.dataBytes = dataBytes;
  const route = [...routeTo(image, transfer.from), receiver];
  image.route.splice(0, Infinity, ...route);
  if (onFrontend) image.state = 'safe';
  transfer.state = 'done';
  dropCopies(run, image, transfer);
  if (!onFrontend) image.relayed.set(receiver, route);
  if (onFrontend) run.ports.observer.imageSafe(image);
  run.feed({ type: 'durable', transfer: transfer.id });
}

/**
 * A copy may be there before the image's origin has said what is in it. Counting it then and taking
 * that back later would be too late: the origin may be released by then. So it waits, as a transfer
 * that has arrived: for the scan, its failure, the loss of the origin, or until neither comes
 * forward (watch-transfers.ts).
 */
function holdBack(run: Run, image: ImageFacts, message: Message<'received'>): void {
  const { transfer, wireBytes } = message;
  image.heldBack.set(transfer, message);
  if (run.facts.transfers.get(transfer)?.state === 'moving') {
    arrive(run, { type: 'arrived', transfer, wireBytes });
  }
}

/** Decides on the copies of an image that were held back: its origin has vouched, or will not. */
export function settleHeldBack(run: Run, { heldBack }: ImageFacts): void {
  const messages = [...heldBack.values()];
  heldBack.clear();
  for (const message of messages) {
    const transfer = moving(run, message.transfer);
    if (transfer !== undefined) settle(run, transfer.to, message);
  }
}

/**
 * A copy does not count, and is removed. Who told its digest is to blame if the copy that it was made
 * from is the origin's own, else who served it.
 */
function refuse(run: Run, transfer: TransferFacts, reason: Objection): void {
  const { id, from, to } = transfer;
  const image = imageOf(run.facts, transfer.image);
  const fromOrigin = from === image.node;
  markFailed(run, transfer);
  // Why an origin cannot vouch, it has told.
  if (reason === 'differs') {
    const receiver = to === FRONTEND ? 'this host' : to;
    const text = fromOrigin
      ? `Cannot count the copy of ${image.id} on ${receiver}: its contents are others than its origin has`
      : `${from} served other contents of ${image.id} than its origin did`;
    const node = fromOrigin && to !== FRONTEND ? to : from;
    run.report(new KgetError('corrupt', text), { node, path: image.path });
  }
  run.crew.send(to, { type: 'drop', image: image.id });
  const blame = reason === 'differs' && fromOrigin ? 'target' : 'source';
  run.feed({ type: 'failed', transfer: id, blame });
}

/**
 * Has copies in spools removed that count no more: all of an image that is safe, else the one that
 * this transfer moved on. The planner counts one that an earlier run left there until it is safe.
 */
function dropCopies(run: Run, image: ImageFacts, { from, to }: TransferFacts): void {
  const holders = new Set(to === FRONTEND ? [...image.relayed.keys(), from] : [from]);
  for (const holder of holders) {
    const isMoved = image.relayed.delete(holder);
    if (holder === image.node || (!isMoved && to !== FRONTEND)) continue;
    forgetSpare(run, image.id, holder);
    run.crew.send(holder, { type: 'drop', image: image.id });
  }
}

/** A transfer ended without a copy. */
export function failTransfer(run: Run, receiver: string, message: Message<'receive-failed'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  markFailed(run, transfer);
  const { failure, blame } = message;
  const image = imageOf(run.facts, transfer.image);
  if (receiver === FRONTEND && blame === 'target' && failure.code === 'no-room') {
    run.abort(failure);
    return;
  }
  reportOf(run, receiver, failure, { node: transfer.from, path: image.path });
  const spoiled = failure.code === 'source-changed' || failure.code === 'source-unreadable';
  const isRotten = failure.code === 'corrupt' && blame === 'source' && isRottenAt(run, transfer);
  // What is left of it may be all that there is: its spool is not emptied.
  if (isRotten) holdNode(run, transfer.from);
  // In this order: the planner must not try the bad copy again.
  if (spoiled || isRotten) run.feed({ type: 'spoiled', node: transfer.from, image: image.id });
  if (blame === 'link') run.inBackground(failLater(run, transfer));
  else run.feed({ type: 'failed', transfer: transfer.id, blame });
}

/**
 * Whether a keeper's copy has failed often enough to be given up for good: then the image's origin is
 * asked back, unless there are others.
 */
function isRottenAt({ facts }: Run, { image, from }: TransferFacts): boolean {
  if (imageOf(facts, image).node === from) return false;
  const failures = [...facts.transfers.values()].filter(
    (transfer) => transfer.image === image && transfer.from === from && transfer.state === 'failed',
  );
  return failures.length >= ROTTEN_AFTER;
}

/**
 * Links often come back: each further failure of an image's transfers is told later than the last.
 */
async function failLater(run: Run, { id, image }: TransferFacts): Promise<void> {
  const failures = [...run.facts.transfers.values()].filter(
    (transfer) => transfer.image === image && transfer.state === 'failed',
  );
  const delayMs = Math.min(RETRY_LIMIT_MS, RETRY_MS * 2 ** (failures.length - 1));
  await run.ports.clock.sleep(delayMs, run.over);
  if (!run.over.aborted) run.feed({ type: 'failed', transfer: id, blame: 'link' });
}

/** The transfer, unless it has ended already (its node was lost, say). */
function moving(run: Run, id: string): TransferFacts | undefined {
  const transfer = run.facts.transfers.get(id);
  return transfer?.state === 'moving' || transfer?.state === 'arrived' ? transfer : undefined;
}
