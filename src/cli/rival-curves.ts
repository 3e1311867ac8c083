import {
  allAtOnceCurve,
  releaseBound,
  releaseTimes,
  serialCurve,
  type Workload,
} from '../planner/bound.ts';
import { coveredSeconds } from '../report/frontend.ts';
import { FRONTEND_NAME } from '../report/names.ts';
import type { ReleaseCurve, ReleaseTimes, RunReport, TransferReport } from '../report/record.ts';

type RunParts = Pick<RunReport, 'nodes' | 'images' | 'transfers'>;

/** Shorter and smaller transfers tell nothing about a link's rate. */
const MIN_MEASURED_SECONDS = 0.05;
const MIN_MEASURED_BYTES = 1024 * 1024;

/**
 * What a run is compared with: the bound for the bytes that crossed the frontend's link in it, and
 * serial and all-at-once copying of whole images, as scp does; all over links as fast as were
 * measured in the run. None while no transfer to the frontend has been measured. See
 * docs/report.md.
 */
export function rivalCurves(run: RunParts): ReleaseCurve[] {
  const rates = measuredRates(run.transfers);
  if (rates === undefined) return [];
  const crossed = workload(run, rates, crossedBytesByImage(run.transfers));
  const whole = workload(run, rates, new Map(run.images.map((i) => [idOf(i), i.sizeBytes])));
  return [releaseBound(crossed), serialCurve(whole), allAtOnceCurve(whole)];
}

/** The release times of `rivalCurves`. */
export function rivalTimes(run: RunParts): Record<'bound' | 'serial' | 'allAtOnce', ReleaseTimes> {
  const [bound, serial, allAtOnce] = rivalCurves(run).map((curve) => releaseTimes(curve));
  return { bound: bound ?? NEVER, serial: serial ?? NEVER, allAtOnce: allAtOnce ?? NEVER };
}

const NEVER: ReleaseTimes = {
  t50Seconds: null,
  t80Seconds: null,
  t100Seconds: null,
  meanReleaseSeconds: null,
};

interface Rates {
  readonly linkBytesPerSecond: number;
  readonly frontendBytesPerSecond: number;
}

/**
 * The frontend's rate: what it received over the time in which it did, or the best that one transfer
 * reached, if many were too small to fill the link. A node's: the best seen. So no rate is below one
 * that the run had, and the bound stays one.
 */
function measuredRates(transfers: readonly TransferReport[]): Rates | undefined {
  const toFrontend = transfers.filter((transfer) => transfer.to === FRONTEND_NAME);
  const bytes = toFrontend.reduce((sum, transfer) => sum + transfer.wireBytes, 0);
  const seconds = coveredSeconds(toFrontend);
  if (bytes < MIN_MEASURED_BYTES || seconds === 0) return undefined;
  const frontendBytesPerSecond = Math.max(bytes / seconds, bestRate(toFrontend));
  const linkBytesPerSecond = Math.max(frontendBytesPerSecond, bestRate(transfers));
  return { frontendBytesPerSecond, linkBytesPerSecond };
}

/** Bytes per second of the fastest transfer that is long and large enough to tell; 0 if none is. */
function bestRate(transfers: readonly TransferReport[]): number {
  const rates = transfers
    .filter((transfer) => secondsOf(transfer) >= MIN_MEASURED_SECONDS)
    .filter((transfer) => transfer.wireBytes >= MIN_MEASURED_BYTES)
    .map((transfer) => transfer.wireBytes / secondsOf(transfer));
  return rates.reduce((best, rate) => Math.max(best, rate), 0);
}

function workload(
  run: RunParts,
  rates: Rates,
  bytesByImage: ReadonlyMap<string, number>,
): Workload {
  const loads = new Map(run.nodes.map(({ node }) => [node, 0]));
  for (const image of run.images) {
    const load = loads.get(image.node) ?? 0;
    loads.set(image.node, load + (bytesByImage.get(idOf(image)) ?? 0));
  }
  return { loadsBytes: [...loads.values()], ...rates };
}

function crossedBytesByImage(transfers: readonly TransferReport[]): Map<string, number> {
  const crossed = new Map<string, number>();
  for (const { image, to, wireBytes } of transfers) {
    if (to === FRONTEND_NAME) crossed.set(image, (crossed.get(image) ?? 0) + wireBytes);
  }
  return crossed;
}

function secondsOf({ startSeconds, endSeconds }: TransferReport): number {
  return endSeconds - startSeconds;
}

function idOf(image: { readonly node: string; readonly path: string }): string {
  return `${image.node}:${image.path}`;
}
