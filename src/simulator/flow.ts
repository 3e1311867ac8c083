import { assert } from '../base/assert.ts';
import type { Placed } from './heap.ts';

/** What flows share: one direction of a link, or a disk's reading or writing. */
export interface Resource extends Placed {
  /** Above 0; infinite if it limits nobody. */
  readonly bytesPerSecond: number;
  /** Those that cross it now; none are kept of an infinite resource. */
  readonly flows: Set<Flow>;
  /** What its flows would take together if they did not share it: the sum of their peaks. */
  demandBytesPerSecond: number;
  // The rest serves one sharing, and means nothing between two.
  isOpen: boolean;
  openFlows: number;
  leftBytesPerSecond: number;
  shareBytesPerSecond: number;
}

/** Bytes on their way over all of its resources at once. */
export interface Flow {
  /** Those of finite rate. */
  readonly resources: readonly Resource[];
  /** The least rate among its resources: more it can never have. */
  readonly peakBytesPerSecond: number;
  /** 0 until it is first shared for. */
  bytesPerSecond: number;
  /** As of `ratedSeconds`, when the flow got its present rate. */
  remainingBytes: number;
  ratedSeconds: number;
  /** Of one sharing: the flow has no new rate yet. */
  isOpen: boolean;
}

/** Two rates closer than this are one. */
const RELATIVE_TOLERANCE = 1e-9;

/** A resource that no flow crosses. */
export function createResource(bytesPerSecond: number): Resource {
  assert(bytesPerSecond > 0, `a resource has a rate above 0, not ${bytesPerSecond}`);
  return {
    bytesPerSecond,
    flows: new Set(),
    demandBytesPerSecond: 0,
    isOpen: false,
    openFlows: 0,
    leftBytesPerSecond: 0,
    shareBytesPerSecond: 0,
    place: -1,
  };
}

/** Puts a flow of `bytes` on its resources, each named once; it has no rate yet. */
export function enter(
  resources: readonly Resource[],
  { bytes, nowSeconds }: { readonly bytes: number; readonly nowSeconds: number },
): Flow {
  const finite = resources.filter(({ bytesPerSecond }) => bytesPerSecond < Infinity);
  const flow: Flow = {
    resources: finite,
    peakBytesPerSecond: Math.min(...finite.map(({ bytesPerSecond }) => bytesPerSecond)),
    bytesPerSecond: 0,
    remainingBytes: bytes,
    ratedSeconds: nowSeconds,
    isOpen: false,
  };
  for (const resource of finite) {
    assert(!resource.flows.has(flow), 'a flow crosses a resource once');
    resource.flows.add(flow);
    resource.demandBytesPerSecond += flow.peakBytesPerSecond;
  }
  return flow;
}

/** Takes a flow off its resources. */
export function leave(flow: Flow): void {
  for (const resource of flow.resources) {
    resource.flows.delete(flow);
    // What rounding left of a sum must not outlive its terms.
    if (resource.flows.size === 0) resource.demandBytesPerSecond = 0;
    else resource.demandBytesPerSecond -= flow.peakBytesPerSecond;
  }
}

/** Whether the resource could limit its flows: if not, they do not depend on each other there. */
export function mayBeFull({ demandBytesPerSecond, bytesPerSecond }: Resource): boolean {
  return demandBytesPerSecond > bytesPerSecond * (1 + RELATIVE_TOLERANCE);
}

/** Whether the flow is slower than `bytesPerSecond` by more than rounding. */
export function isSlower(flow: Flow, bytesPerSecond: number): boolean {
  return flow.bytesPerSecond < bytesPerSecond * (1 - RELATIVE_TOLERANCE);
}
