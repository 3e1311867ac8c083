import { assert } from '../base/assert.ts';
import { isSlower, mayBeFull, type Flow, type Resource } from './flow.ts';
import { createHeap } from './heap.ts';

/** What has changed since rates were last shared out. */
export interface Changes {
  /** They have no rate yet. */
  readonly started: Iterable<Flow>;
  /** Flows that have left each freed a share of one of these. */
  readonly freed: Iterable<Resource>;
  /** The least rate of the flows that have left; infinity if none has. */
  readonly leastEndedBytesPerSecond: number;
}

/** Flows that depend on each other, and what they may have to share. */
interface Part {
  readonly flows: Flow[];
  readonly resources: Resource[];
}

/**
 * Hands a new max-min fair rate to every flow that the changes can have touched, and to no other.
 *
 * Touched are the flows that have started, those on freed resources, and whoever shares a resource
 * that may be full with one of them. Flows slower than all that has changed keep their rates:
 * progressive filling raises all flows together, so it goes the same way, changes or not, up to the
 * least rate at which a flow that has started or left is held up.
 */
export function shareAgain(
  changes: Changes,
  give: (flow: Flow, bytesPerSecond: number) => void,
): void {
  const { flows, resources } = touched(changes);
  fill(resources, give);
  // The others are on no resource that could hold them up.
  for (const flow of flows) if (flow.isOpen) close(flow, flow.peakBytesPerSecond, give);
  for (const resource of resources) resource.isOpen = false;
}

function touched(changes: Changes): Part {
  const part: Part = { flows: [], resources: [] };
  let keptBelow = changes.leastEndedBytesPerSecond;
  for (const flow of changes.started) {
    open(part, flow);
    keptBelow = Math.min(keptBelow, leastRate(flow));
  }
  for (const { flows } of changes.freed) {
    for (const flow of flows) if (!flow.isOpen && !isSlower(flow, keptBelow)) open(part, flow);
  }
  // The list grows meanwhile.
  for (const flow of part.flows) {
    for (const resource of flow.resources) {
      if (!resource.isOpen && mayBeFull(resource)) openResource(part, resource, keptBelow);
    }
  }
  return part;
}

/** Leaves to the slow flows of a resource what they have, and opens the others. */
function openResource(part: Part, resource: Resource, keptBelow: number): void {
  resource.isOpen = true;
  resource.openFlows = resource.flows.size;
  resource.leftBytesPerSecond = resource.bytesPerSecond;
  part.resources.push(resource);
  for (const flow of resource.flows) {
    if (flow.isOpen) continue;
    if (isSlower(flow, keptBelow)) {
      resource.openFlows -= 1;
      resource.leftBytesPerSecond -= flow.bytesPerSecond;
    } else open(part, flow);
  }
}

function open(part: Part, flow: Flow): void {
  flow.isOpen = true;
  part.flows.push(flow);
}

/** What the flow is sure to get: an equal share of the scarcest of its resources. */
function leastRate({ resources, peakBytesPerSecond }: Flow): number {
  let least = peakBytesPerSecond;
  for (const resource of resources) {
    if (mayBeFull(resource)) least = Math.min(least, resource.bytesPerSecond / resource.flows.size);
  }
  return least;
}

/**
 * Progressive filling: the resource with the least share for each of its open flows closes them
 * with that share, and so on with the rest. Shares only grow meanwhile, so a share is worked out
 * again when its resource comes first, and a flow whose peak is below the least share gets its peak.
 */
function fill(
  resources: readonly Resource[],
  give: (flow: Flow, bytesPerSecond: number) => void,
): void {
  const queue = createHeap<Resource>(
    (left, right) => left.shareBytesPerSecond < right.shareBytesPerSecond,
  );
  for (const resource of resources) {
    resource.shareBytesPerSecond = resource.leftBytesPerSecond / resource.openFlows;
    queue.add(resource);
  }
  for (let first = queue.first(); first !== undefined; first = queue.first()) {
    const known = first.shareBytesPerSecond;
    first.shareBytesPerSecond = first.leftBytesPerSecond / first.openFlows;
    if (first.openFlows === 0) queue.remove(first);
    else if (first.shareBytesPerSecond > known) queue.moved(first);
    else closeFlows(first, give);
  }
}

/** Closes the flows that reach their peaks before their share or, if there are none, all. */
function closeFlows(resource: Resource, give: (flow: Flow, bytesPerSecond: number) => void): void {
  const share = resource.shareBytesPerSecond;
  assert(share > 0, 'every flow gets a share');
  const left = [...resource.flows].filter((flow) => flow.isOpen);
  const held = left.filter((flow) => flow.peakBytesPerSecond <= share);
  for (const flow of held) close(flow, flow.peakBytesPerSecond, give);
  if (held.length > 0) return;
  for (const flow of left) close(flow, share, give);
}

function close(
  flow: Flow,
  bytesPerSecond: number,
  give: (flow: Flow, bytesPerSecond: number) => void,
): void {
  flow.isOpen = false;
  for (const resource of flow.resources) {
    if (!resource.isOpen) continue;
    resource.leftBytesPerSecond -= bytesPerSecond;
    resource.openFlows -= 1;
  }
  give(flow, bytesPerSecond);
}
