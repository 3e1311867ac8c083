import { releaseTimes } from '../src/report/summary.ts';
import type { HeatRecord, LinkRecord, RaceRecord } from './record.ts';

/** The figures that are taken of each heat; null where there is none, or never was. */
const MEASURED = [
  'allDoneSeconds',
  'meanReleaseSeconds',
  't50Seconds',
  't80Seconds',
  'agentsUpSeconds',
  'allDoneSinceUpSeconds',
  'meanReleaseSinceUpSeconds',
  't50SinceUpSeconds',
  't80SinceUpSeconds',
  'frontendBytes',
  'nodesBytes',
  'peakSenders',
  'frontendCpuSeconds',
  'nodesCpuSeconds',
  /** Of the frontend, for 1e8 bytes that its link brought. */
  'frontendCpuSecondsPer100Mb',
  'frontendPeakBytes',
  'nodesPeakBytes',
] as const;

type Measured = Readonly<Record<(typeof MEASURED)[number], number | null>>;

/** One contender: medians over its rounds, and what they come to by other measures. */
export interface ContenderFigures extends Measured {
  readonly contender: string;
  /** Whether it is Kget+, with whatever options. */
  readonly isOurs: boolean;
  readonly command: string;
  readonly rounds: number;
  readonly nodes: number;
  /** Nodes whose image arrived unchanged, in the round with the fewest. */
  readonly identical: number;
  /** Of all rounds; `most` is null if a round never was done. */
  readonly allDoneRange: { readonly least: number | null; readonly most: number | null };
  /** As multiples of the time that all images take over the frontend's link. */
  readonly allDoneToLimit: number | null;
  readonly allDoneSinceUpToLimit: number | null;
  /** In slots (τ). */
  readonly meanReleaseSlots: number | null;
  readonly t50Slots: number | null;
  readonly t80Slots: number | null;
  readonly meanReleaseSinceUpSlots: number | null;
  readonly t50SinceUpSlots: number | null;
  readonly t80SinceUpSlots: number | null;
  readonly frontendBytesToLogical: number | null;
  readonly frontendBytesToUnique: number | null;
}

/** The figures of a contender's rounds, of which there is one at least. */
export function contenderFigures(
  rounds: readonly HeatRecord[],
  record: RaceRecord,
): ContenderFigures {
  const { link, images } = record;
  const each = rounds.map(measure);
  const medians = Object.fromEntries(
    MEASURED.map((figure) => [figure, median(each.map((round) => round[figure]))]),
  ) as Measured;
  const [first] = rounds;
  const totals = each.map((round) => round.allDoneSeconds).toSorted(neverLast);
  return {
    ...medians,
    ...multiples(medians, link),
    contender: first?.contender ?? '',
    isOurs: first?.contender.startsWith('kgetplus') ?? false,
    command: first?.command ?? '',
    rounds: rounds.length,
    nodes: first?.nodes.length ?? 0,
    identical: Math.min(...rounds.map((heat) => heat.nodes.filter(isDone).length)),
    allDoneRange: { least: totals[0] ?? null, most: totals.at(-1) ?? null },
    frontendBytesToLogical: ratio(medians.frontendBytes, images.logicalBytes),
    frontendBytesToUnique: ratio(medians.frontendBytes, images.uniqueCompressedBytes),
  };
}

function measure(heat: HeatRecord): Measured {
  const { agentsUpSeconds, frontendBytes, frontendUse, nodesUse } = heat;
  const completions = heat.nodes.map((node) => (isDone(node) ? node.completeSeconds : null));
  const { t50Seconds, t80Seconds, meanReleaseSeconds } = releaseTimes(releasesOf(heat));
  const allDoneSeconds = releaseTimes(completions).t100Seconds;
  const sinceUp = (seconds: number | null) =>
    seconds === null || agentsUpSeconds === null ? null : seconds - agentsUpSeconds;
  return {
    allDoneSeconds,
    meanReleaseSeconds,
    t50Seconds,
    t80Seconds,
    agentsUpSeconds,
    allDoneSinceUpSeconds: sinceUp(allDoneSeconds),
    meanReleaseSinceUpSeconds: sinceUp(meanReleaseSeconds),
    t50SinceUpSeconds: sinceUp(t50Seconds),
    t80SinceUpSeconds: sinceUp(t80Seconds),
    frontendBytes,
    nodesBytes: heat.nodesBytes,
    peakSenders: heat.peakSenders,
    frontendCpuSeconds: frontendUse.cpuSeconds,
    nodesCpuSeconds: nodesUse.cpuSeconds,
    frontendCpuSecondsPer100Mb: ratio(frontendUse.cpuSeconds, frontendBytes / 1e8),
    frontendPeakBytes: frontendUse.peakBytes,
    nodesPeakBytes: nodesUse.peakBytes,
  };
}

function multiples(figures: Measured, { limitSeconds, slotSeconds }: LinkRecord) {
  return {
    allDoneToLimit: ratio(figures.allDoneSeconds, limitSeconds),
    allDoneSinceUpToLimit: ratio(figures.allDoneSinceUpSeconds, limitSeconds),
    meanReleaseSlots: ratio(figures.meanReleaseSeconds, slotSeconds),
    t50Slots: ratio(figures.t50Seconds, slotSeconds),
    t80Slots: ratio(figures.t80Seconds, slotSeconds),
    meanReleaseSinceUpSlots: ratio(figures.meanReleaseSinceUpSeconds, slotSeconds),
    t50SinceUpSlots: ratio(figures.t50SinceUpSeconds, slotSeconds),
    t80SinceUpSlots: ratio(figures.t80SinceUpSeconds, slotSeconds),
  };
}

/** When each node could be given back; null if that never was, or its image is not there. */
export function releasesOf({ nodes }: HeatRecord): (number | null)[] {
  return nodes.map((node) => (isDone(node) ? node.releasedSeconds : null));
}

/** Whether a node's image arrived unchanged. */
export function isDone({ completeSeconds, isIdentical }: HeatRecord['nodes'][number]): boolean {
  return isIdentical && completeSeconds !== null;
}

/** The middle value, or between the two in the middle; null counts as more than any number. */
function median(values: readonly (number | null)[]): number | null {
  const ascending = values.toSorted(neverLast);
  const low = ascending[Math.floor((ascending.length - 1) / 2)] ?? null;
  const high = ascending[Math.floor(ascending.length / 2)] ?? null;
  return low === null || high === null ? null : (low + high) / 2;
}

/** Ascending, null last. */
export function neverLast(a: number | null, b: number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a - b;
}

function ratio(value: number | null, unit: number): number | null {
  return value === null || unit <= 0 ? null : value / unit;
}
