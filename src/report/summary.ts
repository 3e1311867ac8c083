import { FRONTEND_NAME } from './names.ts';
import type {
  ImageReport,
  NodeReport,
  ReleaseCurve,
  ReleaseTimes,
  RunReport,
  SummaryReport,
  TransferReport,
} from './record.ts';

/** What a summary is computed from: the facts of the run, and what other strategies would take. */
export interface SummaryInput {
  readonly nodes: readonly NodeReport[];
  readonly images: readonly ImageReport[];
  readonly transfers: readonly TransferReport[];
  readonly bound: ReleaseTimes;
  readonly serial: ReleaseTimes;
  readonly allAtOnce: ReleaseTimes;
}

/** The figures of a run, as docs/report.md defines them. */
export function summarise(input: SummaryInput): SummaryReport {
  const { nodes, images, transfers, bound, serial, allAtOnce } = input;
  return {
    ...releaseTimes(releaseSeconds(nodes)),
    images: images.length,
    safe: images.filter((image) => image.state === 'safe').length,
    logicalBytes: sum(images, (image) => image.sizeBytes),
    // An image that was not scanned counts in full: no saving is claimed that was not seen.
    dataBytes: sum(images, (image) => image.dataBytes ?? image.sizeBytes),
    frontendWireBytes: sum(transfers.filter(isToFrontend), (transfer) => transfer.wireBytes),
    peerWireBytes: sum(
      transfers.filter((transfer) => !isToFrontend(transfer)),
      (transfer) => transfer.wireBytes,
    ),
    bound,
    serial,
    allAtOnce,
  };
}

function isToFrontend(transfer: TransferReport): boolean {
  return transfer.to === FRONTEND_NAME;
}

/** When each node was released, in seconds; null for a node that was not. */
export function releaseSeconds(nodes: readonly NodeReport[]): (number | null)[] {
  return nodes.map((node) => (node.state === 'released' ? node.releasedSeconds : null));
}

/**
 * Release times from one entry per node: the moment from which at least 50, 80 and 100 % of all
 * nodes were released, and the mean. A share that is never reached is null; so is the mean as soon
 * as one node is never released, since leaving it out would flatter the run.
 */
export function releaseTimes(releases: readonly (number | null)[]): ReleaseTimes {
  const ascending = reached(releases);
  // Whole percents keep this exact: 0.8 is not a binary fraction.
  const at = (percent: number) =>
    ascending[Math.ceil((percent * releases.length) / 100) - 1] ?? null;
  const complete = ascending.length === releases.length && ascending.length > 0;
  return {
    t50Seconds: at(50),
    t80Seconds: at(80),
    t100Seconds: at(100),
    meanReleaseSeconds: complete ? sum(ascending, (seconds) => seconds) / ascending.length : null,
  };
}

/** The release curve from one entry per node: it starts at (0 s, 0) and has one point a moment. */
export function releaseCurve(name: string, releases: readonly (number | null)[]): ReleaseCurve {
  const points = [{ seconds: 0, share: 0 }];
  for (const [index, seconds] of reached(releases).entries()) {
    if (points.at(-1)?.seconds === seconds) points.pop();
    points.push({ seconds, share: (index + 1) / releases.length });
  }
  return { name, points };
}

/** How many times sooner `measured` is than `rival`, in seconds; null when one is unknown. */
export function timesSooner(times: {
  readonly measured: number | null;
  readonly rival: number | null;
}): number | null {
  if (times.measured === null || times.rival === null || times.measured <= 0) return null;
  return times.rival / times.measured;
}

/**
 * `arrivedBytes`: size of the images that this run brought to the frontend; `savedBytes`: what of
 * it did not have to cross its link, 0 when retries cost more.
 */
export function savings({
  images,
  transfers,
  summary,
}: Pick<RunReport, 'images' | 'transfers'> & {
  readonly summary: Pick<SummaryReport, 'frontendWireBytes'>;
}): {
  readonly arrivedBytes: number;
  readonly savedBytes: number;
} {
  const done = transfers.filter((transfer) => isToFrontend(transfer) && transfer.state === 'done');
  const brought = new Set(done.map((transfer) => transfer.image));
  const arrivals = images.filter(({ node, path }) => brought.has(`${node}:${path}`));
  const arrivedBytes = sum(arrivals, (image) => image.sizeBytes);
  return { arrivedBytes, savedBytes: Math.max(0, arrivedBytes - summary.frontendWireBytes) };
}

/** The run in a few words, and whether all that was asked for was done. */
export function verdictOf({
  nodes,
  summary,
}: Pick<RunReport, 'nodes'> & { readonly summary: Pick<SummaryReport, 'images' | 'safe'> }): {
  readonly isComplete: boolean;
  readonly text: string;
} {
  const { safe, images } = summary;
  const left = nodes.filter((node) => node.state !== 'released').length;
  const text =
    images === 0
      ? 'no image was found'
      : safe < images
        ? `${safe} of ${images} images are safe`
        : left > 0
          ? `all ${images} images that were found are safe, ${left} of ${nodes.length} nodes not released`
          : `all ${images} images are safe`;
  return { isComplete: images > 0 && safe === images && left === 0, text };
}

function reached(releases: readonly (number | null)[]): number[] {
  return releases.filter((seconds) => seconds !== null).toSorted((a, b) => a - b);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
