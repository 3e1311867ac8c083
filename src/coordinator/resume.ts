import { basename, join } from 'node:path';
import type { ImageName } from '../control/messages.ts';
import { nodeOf, routeTo, type ImageFacts, type NodeFacts } from './facts.ts';
import { giveBackOwed } from './give-back.ts';
import type { Run } from './run.ts';
import { holdNode } from './withheld.ts';

/**
 * Taking over what an unfinished run into the same directory had reached. A node that it released
 * is not asked again: its images are safe on the frontend or in the spools of other nodes, whose
 * agents say so when they are ready. A copy in a spool counts only while its origin takes no part;
 * otherwise the origin is the source, and the copy a seed.
 */

/**
 * Settles `node` as released by the earlier run; false if it was not, so that it must be started.
 */
export function settleEarlierRelease(run: Run, node: string): boolean {
  const { resumption } = run.plan;
  const release = resumption?.released.get(node);
  if (resumption === undefined || release === undefined) return false;
  const facts = nodeOf(run.facts, node);
  facts.state = 'released';
  facts.releasedSeconds = release.releasedSeconds ?? 0;
  facts.readySeconds = release.readySeconds;
  if (!release.givenBack) run.owed.add(node);
  for (const [id, earlier] of resumption.images) {
    if (earlier.node !== node) continue;
    const image = addImage(run, { ...earlier, id });
    image.state = earlier.safe ? 'safe' : 'moving';
    const isComparable = earlier.chunkSizeBytes === run.plan.chunkSizeBytes;
    image.digest = (isComparable ? earlier.digest : undefined) ?? null;
    image.dataBytes = earlier.dataBytes ?? null;
  }
  return true;
}

/**
 * Notes the copies in the spool of `holder`; takes up those whose origin takes no part. Of copies
 * that the journal does not know one is enough: others may be of another version. And none, if this
 * is no image of a node that the run was told of: whoever holds it may have made it up.
 */
export function takeUpSpooled(run: Run, holder: string, spooled: readonly ImageName[]): void {
  const unknown: ImageName[] = [];
  for (const image of spooled) {
    if (run.facts.images.get(image.id)?.state === 'safe') continue;
    const others = run.spares.get(image.id) ?? [];
    const { copies = [], safe = false } = run.plan.resumption?.images.get(image.id) ?? {};
    if (!copies.includes(holder)) {
      const isKnown = run.facts.nodes.has(image.node);
      if (!isKnown && !safe) unknown.push(image);
      if (!isKnown || others.length > 0) continue;
    }
    run.spares.set(image.id, [...others, { holder, image }]);
    if (takesNoPart(run, image.node)) adopt(run, image, holder);
  }
  keepUnknown(run, holder, unknown);
}

/** Holds a node whose spool has what may be the last copies of images that this run cannot ask for. */
function keepUnknown(run: Run, holder: string, images: readonly ImageName[]): void {
  const [first] = images;
  if (first === undefined) return;
  const others = images.length > 1 ? ` and ${images.length - 1} more` : '';
  const message =
    `Cannot take up ${first.id}${others} from the spool of ${holder}: found neither their nodes in ` +
    `this run nor these copies in its journal; name their nodes, too, or remove them from the spool`;
  run.report({ code: 'usage', message }, { node: holder });
  run.keepsUnknown.add(holder);
  holdNode(run, holder);
}

/** `holder` is told to drop its copy. */
export function forgetSpare(run: Run, image: string, holder: string): void {
  const spares = run.spares.get(image);
  if (spares === undefined) return;
  run.spares.set(
    image,
    spares.filter((spare) => spare.holder !== holder),
  );
}

/** Takes up the spooled copies of the images of `origin`, which is gone. */
export function adoptSpares(run: Run, origin: string): void {
  for (const { holder, image } of [...run.spares.values()].flat()) {
    const known = run.facts.images.get(image.id);
    if (image.node === origin && known?.state !== 'safe') adopt(run, image, holder);
  }
}

/**
 * Once every node has answered: asks back released nodes whose images nobody holds any more. The
 * others are given back that may not have been.
 */
export function recallOrphans(run: Run): void {
  const states = [...run.facts.nodes.values()].map((node) => node.state);
  if (run.plan.dryRun || run.over.aborted || states.includes('starting')) return;
  for (const image of run.facts.images.values()) {
    if (image.state !== 'moving' || image.route.length > 0) continue;
    const origin = run.facts.nodes.get(image.node);
    if (origin?.state === 'released' && !run.recalled.has(image.node)) recall(run, origin);
    else if (origin?.state !== 'starting' && origin?.state !== 'leaving') image.state = 'missing';
  }
  giveBackOwed(run);
}

function recall(run: Run, node: NodeFacts): void {
  run.recalled.add(node.name);
  const text = 'asked back: no other copy of an image of this node is left';
  run.ports.observer.notice(node.name, text);
  node.state = 'starting';
  node.releasedSeconds = null;
  run.crew.start(node.name);
}

/** Enters an image that no node holds yet into the facts. */
function addImage(run: Run, image: ImageName): ImageFacts {
  const known = run.facts.images.get(image.id);
  if (known !== undefined) return known;
  const { id, node, path, sizeBytes } = image;
  const facts: ImageFacts = {
    id,
    node,
    path,
    sizeBytes,
    dataBytes: null,
    sketch: null,
    neededBytes: sizeBytes,
    state: 'moving',
    route: [],
    relayed: new Map(),
    digest: null,
    vouch: 'none',
    heldBack: new Map(),
  };
  run.facts.images.set(id, facts);
  return facts;
}

/** Enters an image that `holder` holds, and tells the planner. `bytes`: what moving it costs. */
export function addHeldImage(
  run: Run,
  options: { image: ImageName; holder: string; bytes: number },
) {
  const { image, holder, bytes } = options;
  const facts = addImage(run, image);
  if (facts.state === 'safe') return;
  const { id, node, path, sizeBytes } = image;
  if (holder === node && !run.plan.dryRun) {
    run.ports.journal.append({ type: 'image', image: id, node, path, sizeBytes });
  }
  facts.state = 'moving';
  facts.neededBytes = bytes;
  // The node may name other contents than before it was released.
  if (holder === node) Object.assign(facts, { sketch: null, digest: null, vouch: 'awaited' });
  facts.route.splice(0, Infinity, ...routeTo(facts, holder));
  const direct = run.seeded.has(join(node, basename(path)));
  run.feed({ type: 'held', node: holder, image: id, bytes, direct });
}

function adopt(run: Run, image: ImageName, holder: string): void {
  const state = run.facts.nodes.get(holder)?.state;
  if (state !== 'starting' && state !== 'working') return;
  addHeldImage(run, { image, holder, bytes: image.sizeBytes });
}

function takesNoPart(run: Run, origin: string): boolean {
  const state = run.facts.nodes.get(origin)?.state;
  return state === undefined || state === 'failed' || state === 'released';
}
