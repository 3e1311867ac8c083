import { basename } from 'node:path';
import type { AgentMessage } from '../control/messages.ts';
import { createPlanner } from '../planner/planner.ts';
import { FRONTEND, type PlannerOptions } from '../planner/types.ts';
import { noteNotice, reportOf } from './agent-words.ts';
import { assembleIfComplete, awaitAssembly } from './assembly.ts';
import { imageId, nodeOf } from './facts.ts';
import { addHeldImage, recallOrphans, settleEarlierRelease, takeUpSpooled } from './resume.ts';
import type { Run } from './run.ts';
import { settleHeldBack } from './transfer-events.ts';
import { leastRate } from './transfer-rate.ts';
import { tellListed } from './withheld.ts';

type Message<Type extends AgentMessage['type']> = Extract<AgentMessage, { type: Type }>;

/**
 * The frontend can receive: time to start the agents of all nodes not released by an earlier run.
 */
export function startNodes(run: Run, message: Message<'ready'>): void {
  for (const text of message.warnings) run.ports.observer.notice(FRONTEND, text);
  for (const file of message.seeded) run.seeded.add(file);
  const { frontendBytesPerSecond } = run.plan;
  run.facts.frontendBytesPerSecond = leastRate(message.linkBytesPerSecond, frontendBytesPerSecond);
  run.planner = createPlanner(plannerOptions(run));
  run.feed({ type: 'expected', nodes: run.plan.nodes.length });
  for (const [rack, rate] of run.plan.rackUplinks) {
    run.feed({ type: 'rack', rack, upBytesPerSecond: rate, downBytesPerSecond: rate });
  }
  const toStart = run.plan.nodes.filter((node) => !settleEarlierRelease(run, node));
  for (const node of toStart) run.crew.start(node);
  assembleIfComplete(run);
  recallOrphans(run);
}

function plannerOptions({ plan, facts }: Run): PlannerOptions {
  const { sendersAllowed: senders, frontendBytesPerSecond: rate } = facts;
  return {
    ...plan.planner,
    senders,
    ...(rate === null ? {} : { frontendBytesPerSecond: rate }),
  };
}

/** A node can serve and receive: it is told what to find. */
export function join(run: Run, name: string, message: Message<'ready'>): void {
  const node = nodeOf(run.facts, name);
  if (node.state !== 'starting') return;
  run.servingPorts.set(name, message.port);
  for (const text of message.warnings) noteNotice(run, name, text);
  const { keepsNone, ...terms } = run.plan.nodeTerms.get(name) ?? {};
  node.roomBytes = keepsNone ? 0 : message.roomBytes;
  node.linkBytesPerSecond = leastRate(message.linkBytesPerSecond, run.plan.nodeBytesPerSecond);
  const rate = node.linkBytesPerSecond;
  const link = rate === null ? {} : { link: { upBytesPerSecond: rate, downBytesPerSecond: rate } };
  run.feed({ type: 'joined', node: name, roomBytes: node.roomBytes, ...link, ...terms });
  const patterns = run.plan.patterns.map((pattern) => pattern.replaceAll('{node}', name));
  run.crew.send(name, { type: 'find', patterns });
  takeUpSpooled(run, name, message.spooled);
}

/** A node has named its images, and what is wrong with the rest. */
export function list(run: Run, name: string, { images, problems }: Message<'found'>): void {
  const node = nodeOf(run.facts, name);
  if (node.state !== 'starting') return;
  node.readySeconds ??= run.seconds();
  for (const { pattern: path, failure } of problems) {
    reportOf(run, name, failure, { node: name, path });
  }
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
  node.keepsMore ||= images.length > 0 && !complete;
  run.ports.observer.nodeChanged(node);
  if (!complete) run.feed({ type: 'stays', node: name });
  run.withheld.add(name);
  tellListed(run);
  awaitAssembly(run);
  assembleIfComplete(run);
  recallOrphans(run);
}

/**
 * The file that an image becomes; its index lies beside it, so one called like that is in its way.
 */
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

/** How far the scan of an image has come. */
export function scan(run: Run, node: string, { path, scannedBytes }: Message<'scanning'>): void {
  const id = imageId(node, path);
  if (run.facts.images.has(id)) run.scannedBytes.set(id, scannedBytes);
}

/** An image was scanned: its origin vouches for what every copy must have. */
export function size(run: Run, node: string, scanned: Message<'scanned'>): void {
  const { path, sketch } = scanned;
  const image = run.facts.images.get(imageId(node, path));
  if (image === undefined || run.plan.dryRun === 'names') return;
  const dataBytes = Math.min(scanned.dataBytes, image.sizeBytes);
  image.dataBytes = dataBytes;
  image.neededBytes = dataBytes;
  image.sketch = sketch;
  if (image.vouch === 'awaited') {
    image.vouch = 'given';
    image.digest = scanned.imageDigest;
  }
  run.feed({ type: 'sized', image: image.id, bytes: dataBytes });
  run.feed({ type: 'sketched', image: image.id, sketch });
  settleHeldBack(run, image);
}

/** An image cannot be scanned, or changed meanwhile. */
export function spoil(
  run: Run,
  bad: { node: string; path: string; failure: Message<'unfit'>['failure'] },
) {
  const { node, path, failure } = bad;
  const image = run.facts.images.get(imageId(node, path));
  if (image?.vouch !== 'awaited') {
    noteNotice(
      run,
      node,
      `ignored a failed scan of ${path}, which is not awaited: ${failure.message}`,
    );
    return;
  }
  reportOf(run, node, failure, { node, path });
  image.vouch = 'refused';
  if (run.plan.dryRun) image.state = 'missing';
  run.feed({ type: 'spoiled', node, image: image.id });
  settleHeldBack(run, image);
}
