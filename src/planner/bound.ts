import { assert } from '../base/assert.ts';

/** What is to be gathered, and over which links. */
export interface Workload {
  /** Bytes on each node that must reach the frontend. */
  readonly loadsBytes: readonly number[];
  /** Each node's link, in each direction. */
  readonly linkBytesPerSecond: number;
  readonly frontendBytesPerSecond: number;
}

/** The share of nodes (0 to 1) released at each moment, ascending in both. */
export interface ReleaseCurve {
  readonly name: string;
  readonly points: readonly { readonly seconds: number; readonly share: number }[];
}

/** Seconds until half, 80 % and all of the nodes are released, and their mean; null if never. */
export interface ReleaseTimes {
  readonly t50Seconds: number | null;
  readonly t80Seconds: number | null;
  readonly t100Seconds: number | null;
  readonly meanReleaseSeconds: number | null;
}

/**
 * A curve that no schedule can be left of: its k-th point is a lower bound of the k-th release.
 *
 * Let k of the n nodes be released at time t, F be the frontend's link and B a node's. Whatever was
 * on them has crossed the cut around them, into the frontend (at most F·t) or into the n − k others
 * (at most B·t each). The k nodes held at least as much as the k least loaded nodes hold, L_k.
 * Hence t ≥ L_k / (F + (n − k)·B). Besides, the most loaded of the k had to send all it held over
 * its own link, and the k-th smallest load is the least that it can be. With one image of a slot's
 * length on every node and F = B this is k ≤ (n + 1)·t / (1 + t); for k = n it is the sum over F.
 *
 * Images are taken as divisible and instantly forwarded, and each point stands for itself: no one
 * schedule need reach them all. For 64 equal images the mean of this curve is 3.8 slots, while the
 * best schedule known has 5.1.
 */
export function releaseBound(workload: Workload): ReleaseCurve {
  const { linkBytesPerSecond, frontendBytesPerSecond } = checked(workload);
  const loads = [...workload.loadsBytes].sort((left, right) => left - right);
  let sumBytes = 0;
  const seconds = loads.map((loadBytes, place) => {
    sumBytes += loadBytes;
    const others = loads.length - place - 1;
    const cut = sumBytes / (frontendBytesPerSecond + others * linkBytesPerSecond);
    return Math.max(cut, loadBytes / linkBytesPerSecond);
  });
  return toCurve('bound', seconds);
}

/** One node after the other in the given order, each released when the frontend has its images. */
export function serialCurve(workload: Workload): ReleaseCurve {
  const { linkBytesPerSecond, frontendBytesPerSecond } = checked(workload);
  const rateBytesPerSecond = Math.min(linkBytesPerSecond, frontendBytesPerSecond);
  let sumBytes = 0;
  const seconds = workload.loadsBytes.map((loadBytes) => {
    sumBytes += loadBytes;
    return sumBytes / rateBytesPerSecond;
  });
  return toCurve('serial', seconds);
}

/**
 * All nodes at once, the frontend's link shared fairly among those not done yet: of m nodes each
 * gets the lesser of its own link and the m-th part of the frontend's, so the least loaded ends
 * first.
 */
export function allAtOnceCurve(workload: Workload): ReleaseCurve {
  const { linkBytesPerSecond, frontendBytesPerSecond } = checked(workload);
  const loads = [...workload.loadsBytes].sort((left, right) => left - right);
  let nowSeconds = 0;
  let sentBytes = 0;
  const seconds = loads.map((loadBytes, place) => {
    const shareBytesPerSecond = frontendBytesPerSecond / (loads.length - place);
    nowSeconds += (loadBytes - sentBytes) / Math.min(linkBytesPerSecond, shareBytesPerSecond);
    sentBytes = loadBytes;
    return nowSeconds;
  });
  return toCurve('all at once', seconds);
}

/** The curve of nodes released at `seconds` (ascending) out of `nodeCount`, by default as many. */
export function toCurve(
  name: string,
  seconds: readonly number[],
  nodeCount: number = seconds.length,
): ReleaseCurve {
  const points = seconds.map((at, place) => ({ seconds: at, share: (place + 1) / nodeCount }));
  return { name, points };
}

/** Reads the usual figures off a curve; the mean is that of the nodes that are released. */
export function releaseTimes(curve: ReleaseCurve): ReleaseTimes {
  let before = 0;
  let weighted = 0;
  for (const { seconds, share } of curve.points) {
    weighted += seconds * (share - before);
    before = share;
  }
  return {
    t50Seconds: timeOfShare(curve, 0.5),
    t80Seconds: timeOfShare(curve, 0.8),
    t100Seconds: timeOfShare(curve, 1),
    meanReleaseSeconds: before === 0 ? null : weighted / before,
  };
}

/** When the curve reaches `share`; the tolerance covers shares such as 56/70 that sum inexactly. */
function timeOfShare(curve: ReleaseCurve, share: number): number | null {
  return curve.points.find((point) => point.share >= share - 1e-9)?.seconds ?? null;
}

function checked(workload: Workload): Workload {
  assert(workload.linkBytesPerSecond > 0, 'a link has a rate above 0');
  assert(workload.frontendBytesPerSecond > 0, "the frontend's link has a rate above 0");
  return workload;
}
