import { basename } from 'node:path';
import { unreachable } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { AgentMessage } from '../control/messages.ts';
import { FRONTEND } from '../planner/types.ts';
import { imageId, imageOf, nodeOf, type TransferFacts } from './facts.ts';
import { loseNode } from './loss.ts';
import { addHeldImage, recallOrphans, settleEarlierRelease, takeUpSpooled } from './resume.ts';
import type { Run } from './run.ts';

type Message<Type extends AgentMessage['type']> = Extract<AgentMessage, { type: Type }>;

/** How long a transfer whose link failed is left alone, the first time and at most. */
const RETRY_MS = 500;
const RETRY_LIMIT_MS = 8000;

/** Applies what an agent said: to the facts, the journal and the planner. */
export function handleMessage(run: Run, node: string, message: AgentMessage): void {
  switch (message.type) {
    case 'ready':
      return node === FRONTEND ? startNodes(run, message) : join(run, node, message);
    case 'unfit':
      return loseNode(run, node, message.failure);
    case 'found':
      return list(run, node, message);
    case 'scanned':
      return size(run, node, message);
    case 'scan-failed':
      return spoil(run, { node, path: message.path, failure: message.failure });
    case 'receiving':
      return count(run, message);
    case 'arrived':
      return arrive(run, message);
    case 'received':
      return settle(run, node, message);
    case 'receive-failed':
      return failTransfer(run, node, message);
    case 'notice':
      return run.ports.observer.notice(node, message.text);
    case 'hello':
    case 'pong':
    case 'left':
      return;
    default:
      return unreachable(message);
  }
}

/** The frontend can receive: time to start the agents of all nodes not released by an earlier run. */
function startNodes(run: Run, message: Message<'ready'>): void {
  for (const text of message.warnings) run.ports.observer.notice(FRONTEND, text);
  for (const file of message.seeded) run.seeded.add(file);
  if (!run.plan.dryRun) run.feed({ type: 'expected', nodes: run.plan.nodes.length });
  const toStart = run.plan.nodes.filter((node) => !settleEarlierRelease(run, node));
  for (const node of toStart) run.crew.start(node);
  run.frontendReady = true;
  recallOrphans(run);
}

function join(run: Run, name: string, message: Message<'ready'>): void {
  const node = nodeOf(run.facts, name);
  if (node.state !== 'starting') return;
  run.servingPorts.set(name, message.port);
  for (const text of message.warnings) run.ports.observer.notice(name, text);
  if (!run.plan.dryRun) run.feed({ type: 'joined', node: name, roomBytes: message.roomBytes });
  const patterns = run.plan.patterns.map((pattern) => pattern.replaceAll('{node}', name));
  run.crew.send(name, { type: 'find', patterns });
  node.state = 'working';
  takeUpSpooled(run, name, message.spooled);
  node.state = 'starting';
}

function list(run: Run, name: string, { images, problems }: Message<'found'>): void {
  const node = nodeOf(run.facts, name);
  if (node.state !== 'starting') return;
  node.state = 'working';
  node.readySeconds ??= run.seconds();
  for (const { pattern, failure } of problems) run.report(failure, { node: name, path: pattern });
  let complete = problems.length === 0;
  for (const [file, sharers] of Map.groupBy(images, (image) => imageFile(image.path))) {
    if (sharers.length > 1) {
      reportClash(run, { node: name, file, paths: sharers.map((image) => image.path) });
      complete = false;
      continue;
    }
    for (const { path, sizeBytes, allocatedBytes } of sharers) {
      const image = { id: imageId(name, path), node: name, path, sizeBytes };
      addHeldImage(run, { image, holder: name, bytes: Math.min(sizeBytes, allocatedBytes) });
    }
  }
  node.state = 'working';
  node.keepsMore = images.length > 0 && !complete;
  run.ports.observer.nodeChanged(node);
  if (!run.plan.dryRun) {
    if (!complete) run.feed({ type: 'stays', node: name });
    run.feed({ type: 'listed', node: name });
  }
  recallOrphans(run);
}

/** The file that an image becomes; its index lies beside it, so one called like that is in its way. */
function imageFile(path: string): string {
  return basename(path, '.caibx');
}

function reportClash(run: Run, clash: { node: string; file: string; paths: string[] }): void {
  const { node, file, paths } = clash;
  const message =
    `Cannot gather ${paths.join(' and ')} from ${node}: both would become ` +
    `${node}/${file} or its index on the frontend; gather them in separate runs into different directories`;
  for (const path of paths) run.report({ code: 'name-clash', message }, { node, path });
}

function size(run: Run, node: string, { path, dataBytes }: Message<'scanned'>): void {
  const image = run.facts.images.get(imageId(node, path));
  if (image === undefined || run.plan.dryRun) return;
  image.dataBytes = dataBytes;
  image.neededBytes = dataBytes;
  run.feed({ type: 'sized', image: image.id, bytes: dataBytes });
}

function spoil(
  run: Run,
  bad: { node: string; path: string; failure: Message<'unfit'>['failure'] },
) {
  const image = run.facts.images.get(imageId(bad.node, bad.path));
  run.report(bad.failure, { node: bad.node, path: bad.path });
  if (image === undefined || run.plan.dryRun) return;
  run.feed({ type: 'spoiled', node: bad.node, image: image.id });
}

function count(run: Run, message: Message<'receiving'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  transfer.wireBytes = message.wireBytes;
  transfer.doneBytes = message.doneBytes;
}

function arrive(run: Run, message: Message<'arrived'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  transfer.state = 'arrived';
  transfer.endSeconds = run.seconds();
  run.feed({ type: 'arrived', transfer: transfer.id });
}

/** A copy counts from here on: it was verified and is durable; the journal knows before anyone acts. */
function settle(run: Run, receiver: string, message: Message<'received'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  const image = imageOf(run.facts, transfer.image);
  Object.assign(transfer, { wireBytes: message.wireBytes, chunks: message.chunks });
  transfer.doneBytes = image.sizeBytes;
  if (image.digest !== null && image.digest !== message.imageDigest) {
    const text = `${transfer.from} served other contents of ${image.id} than its origin did`;
    transfer.state = 'failed';
    run.report(new KgetError('corrupt', text), { node: transfer.from, path: image.path });
    run.crew.send(receiver, { type: 'drop', image: image.id });
    run.feed({ type: 'failed', transfer: transfer.id, blame: 'source' });
    return;
  }
  const onFrontend = receiver === FRONTEND;
  run.ports.journal.append({ type: 'copy', image: image.id, at: onFrontend ? null : receiver });
  image.digest = message.imageDigest;
  image.dataBytes = message.dataBytes;
  image.route.push(receiver);
  if (onFrontend) image.state = 'safe';
  transfer.state = 'done';
  if (transfer.from !== image.node) run.crew.send(transfer.from, { type: 'drop', image: image.id });
  if (onFrontend) run.ports.observer.imageSafe(image);
  run.feed({ type: 'durable', transfer: transfer.id });
}

function failTransfer(run: Run, receiver: string, message: Message<'receive-failed'>): void {
  const transfer = moving(run, message.transfer);
  if (transfer === undefined) return;
  transfer.state = 'failed';
  transfer.endSeconds ??= run.seconds();
  const { failure, blame } = message;
  const image = imageOf(run.facts, transfer.image);
  if (receiver === FRONTEND && failure.code === 'no-room') {
    run.abort(failure);
    return;
  }
  run.report(failure, { node: transfer.from, path: image.path });
  const spoiled = failure.code === 'source-changed' || failure.code === 'source-unreadable';
  // In this order: the planner must not try the bad copy again.
  if (spoiled) run.feed({ type: 'spoiled', node: transfer.from, image: image.id });
  if (blame === 'link') run.inBackground(failLater(run, transfer));
  else run.feed({ type: 'failed', transfer: transfer.id, blame });
}

/** Links often come back: each further failure of an image's transfers is told later than the last. */
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
