import { releaseCurve, releaseTimes, timesSooner } from '../src/report/summary.ts';
import type { ReleaseCurve } from '../src/report/record.ts';
import { contenderFigures, isDone, neverLast, releasesOf } from './contender-figures.ts';
import type { ContenderFigures } from './contender-figures.ts';
import type { HeatRecord, RaceRecord } from './record.ts';

/** Figures by which Kget+ is compared with the best rival; less is better. */
const COMPARED = [
  'meanReleaseSeconds',
  't50Seconds',
  't80Seconds',
  'allDoneSeconds',
  'frontendBytes',
] as const;

export type ComparedFigure = (typeof COMPARED)[number];

/** One of Kget+'s contenders beside the best rival by one figure; null if no rival has it. */
export interface Comparison {
  readonly contender: string;
  readonly figure: ComparedFigure;
  readonly value: number | null;
  readonly rival: { readonly contender: string; readonly value: number } | null;
  /** The rival's figure by ours: above 1 is for us. */
  readonly timesBetter: number | null;
}

/** A heat whose command failed, or that did not bring every image unchanged. */
export interface HeatFailure {
  readonly contender: string;
  readonly round: number;
  readonly exitCode: number | null;
  readonly nodes: number;
  /** Nodes whose image never came, and those whose image came changed. */
  readonly missing: number;
  readonly different: number;
  readonly complaint: string;
}

export interface RaceFigures {
  /** In the order in which they first ran. */
  readonly contenders: readonly ContenderFigures[];
  /** One for each contender, in the same order: the round with the median mean release. */
  readonly releaseCurves: readonly ReleaseCurve[];
  readonly comparisons: readonly Comparison[];
  readonly failures: readonly HeatFailure[];
}

/** What a race comes to. A node counts as released only if its image arrived unchanged. */
export function raceFigures(record: RaceRecord): RaceFigures {
  const heats = Map.groupBy(record.heats, (heat) => heat.contender);
  const contenders = [...heats.values()].map((rounds) => contenderFigures(rounds, record));
  return {
    contenders,
    releaseCurves: [...heats].map(([name, rounds]) => releaseCurve(name, medianReleases(rounds))),
    comparisons: contenders
      .filter((figures) => figures.isOurs)
      .flatMap((ours) => COMPARED.map((figure) => compare(ours, figure, contenders))),
    failures: record.heats.filter(hasFailed).map(heatFailure),
  };
}

/** The best rival has the least, and had all images in the end: it is cheap to bring only some. */
function compare(
  ours: ContenderFigures,
  figure: ComparedFigure,
  contenders: readonly ContenderFigures[],
): Comparison {
  const rivals = contenders.filter(
    ({ isOurs, allDoneSeconds }) => !isOurs && allDoneSeconds !== null,
  );
  const [rival] = rivals
    .flatMap((other) => {
      const value = other[figure];
      return value === null ? [] : [{ contender: other.contender, value }];
    })
    .toSorted((a, b) => a.value - b.value);
  return {
    contender: ours.contender,
    figure,
    value: ours[figure],
    rival: rival ?? null,
    timesBetter: timesSooner({ measured: ours[figure], rival: rival?.value ?? null }),
  };
}

/** The releases of the round in the middle by mean release; of two, those of the earlier one. */
function medianReleases(rounds: readonly HeatRecord[]): (number | null)[] {
  const ordered = rounds
    .map(releasesOf)
    .map((releases) => ({ releases, mean: releaseTimes(releases).meanReleaseSeconds }))
    .toSorted((a, b) => neverLast(a.mean, b.mean));
  return ordered[Math.floor((ordered.length - 1) / 2)]?.releases ?? [];
}

function hasFailed({ exitCode, nodes }: HeatRecord): boolean {
  return exitCode !== 0 || !nodes.every(isDone);
}

function heatFailure({ contender, round, exitCode, nodes, complaint }: HeatRecord): HeatFailure {
  const missing = nodes.filter((node) => node.completeSeconds === null).length;
  const done = nodes.filter(isDone).length;
  const different = nodes.length - missing - done;
  return { contender, round, exitCode, nodes: nodes.length, missing, different, complaint };
}
