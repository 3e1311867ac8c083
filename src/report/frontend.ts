import { FRONTEND_NAME } from './names.ts';
import type { FrontendReport, TransferReport } from './record.ts';

interface Interval {
  readonly node: string;
  readonly start: number;
  readonly end: number;
}

/** How the frontend's link was used, from all transfers of the run; failed ones used it too. */
export function frontendReport(
  transfers: readonly TransferReport[],
  sendersAllowed: number,
): FrontendReport {
  const toFrontend = transfers.filter((transfer) => transfer.to === FRONTEND_NAME);
  const intervals = toFrontend.map((transfer) => ({
    node: transfer.from,
    start: transfer.startSeconds,
    end: transfer.endSeconds,
  }));
  return {
    bytesReceived: toFrontend.reduce((sum, transfer) => sum + transfer.wireBytes, 0),
    busyFraction: busyFraction(toFrontend),
    maxSenders: maxSenders(intervals),
    sendersAllowed,
  };
}

/**
 * `coveredSeconds` as a share (0 to 1) of the time from the first start to the last end; 0 when there
 * is none or all are momentary.
 */
function busyFraction(transfers: readonly TransferReport[]): number {
  let first = Infinity;
  let last = -Infinity;
  for (const { startSeconds, endSeconds } of transfers) {
    first = Math.min(first, startSeconds);
    last = Math.max(last, endSeconds);
  }
  // A sum of parts may exceed the whole by rounding.
  return last > first ? Math.min(1, coveredSeconds(transfers) / (last - first)) : 0;
}

/** The time in which at least one of the transfers ran. */
export function coveredSeconds(transfers: readonly TransferReport[]): number {
  let covered = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { startSeconds, endSeconds } of transfers.toSorted(
    (a, b) => a.startSeconds - b.startSeconds,
  )) {
    covered += Math.max(0, endSeconds - Math.max(startSeconds, until));
    until = Math.max(until, endSeconds);
  }
  return covered;
}

/** What happens at one moment, in this order: touching intervals do not overlap. */
const END = 0;
const MOMENT = 1;
const START = 2;

/**
 * The most distinct nodes with an open interval at once. A momentary interval overlaps those that
 * it lies strictly inside of.
 */
function maxSenders(intervals: readonly Interval[]): number {
  const sweep = intervals.flatMap(({ node, start, end }) =>
    start === end
      ? [{ node, at: start, kind: MOMENT }]
      : [
          { node, at: start, kind: START },
          { node, at: end, kind: END },
        ],
  );
  sweep.sort((a, b) => a.at - b.at || a.kind - b.kind);
  const open = new Map<string, number>();
  let most = 0;
  for (const { node, kind } of sweep) {
    const own = open.get(node) ?? 0;
    if (kind === MOMENT) {
      most = Math.max(most, open.size + (own === 0 ? 1 : 0));
    } else if (kind === START) {
      open.set(node, own + 1);
      most = Math.max(most, open.size);
    } else if (own > 1) {
      open.set(node, own - 1);
    } else {
      open.delete(node);
    }
  }
  return most;
}
