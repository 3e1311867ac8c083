import { RIVAL_STYLES } from './comparison-style.ts';
import { curvePlot } from './svg-curve.ts';
import type { Markup } from './markup.ts';
import type { ReleaseCurve } from './record.ts';
import type { CurvePlotInput, PlotCurve, PlotPoint } from './svg-curve.ts';

/** The curve of one strategy. */
export interface ComparedCurve extends ReleaseCurve {
  /** Whether it is Kget+, with whatever options; there are two of these at most. */
  readonly isOurs: boolean;
}

export interface ComparisonPlotInput extends Pick<CurvePlotInput, 'axisUnit' | 'description'> {
  /** As `comparisonCurves` made them. */
  readonly curves: readonly PlotCurve[];
  /** A moment before which nobody can be done. */
  readonly limit: { readonly seconds: number; readonly label: string };
  /** How moments are written in the plot. */
  readonly formatMoment: (seconds: number) => string;
}

/** Curves may have their names at these heights, one each; not where marks are, at 50 and 80 %. */
const NAME_SHARES = [0.72, 0.4, 0.64, 0.32, 0.56, 0.24, 0.16, 0.08, 0.88];
/** Of the plot's width, roughly: a name has to have so much room beside its curve. */
const WIDTH_PER_CHARACTER = 0.009;
/** Of the plot's width: lines this close are drawn as one. */
const SAME_PLACE = 0.002;
/** Names are a little above or below the height that they are for. */
const NAME_SHIFT = 0.03;

/** The curves in the order of the legend: Kget+ first, then the others as they come. */
export function comparisonCurves(curves: readonly ComparedCurve[]): PlotCurve[] {
  const ours = curves.filter((curve) => curve.isOurs);
  const rivals = curves.filter((curve) => !curve.isOurs);
  return [
    ...ours.map((curve, index) => styled(curve, index === 0 ? 'k0' : 'k1')),
    ...rivals.map((curve, index) => styled(curve, `r r${index % RIVAL_STYLES}`)),
  ];
}

/** A curve that does not reach the top goes on to the end, where it can be seen that it does not. */
function styled({ name, points }: ReleaseCurve, style: string): PlotCurve {
  return { name, points, style, isExtended: (points.at(-1)?.share ?? 0) < 1 };
}

/** The release curves of several strategies, with the names of all but Kget+ beside them. */
export function comparisonPlot(input: ComparisonPlotInput): Markup {
  const { curves, axisUnit, limit, description } = input;
  return curvePlot({
    curves,
    ...(axisUnit !== undefined && { axisUnit }),
    spanSeconds: limit.seconds * 1.02,
    points: [...names(input), ...marks(input)],
    limit,
    description,
  });
}

/** Each rival's name beside its curve, where most room is; taken heights are not used again. */
function names({ curves, limit }: ComparisonPlotInput): PlotPoint[] {
  const rivals = curves.filter((curve) => curve.style.startsWith('r '));
  const ends = curves.map((curve) => curve.points.at(-1)?.seconds ?? 0);
  const span = Math.max(limit.seconds, ...ends);
  const free = new Set(NAME_SHARES);
  return rivals.flatMap((curve, index) => {
    const width = curve.name.length * WIDTH_PER_CHARACTER * span;
    const others = curves.filter((other) => other !== curve);
    const places = [...(free.size > 0 ? free : NAME_SHARES)].flatMap((share) => {
      const seconds = secondsAt(curve, share);
      if (seconds === null) return [];
      return (['right', 'left'] as const).map((side) => {
        const beside = share + (side === 'right' ? -NAME_SHIFT : NAME_SHIFT);
        const lines = others.map((other) => secondsAt(other, beside) ?? Infinity);
        const room = roomBeside({ seconds, side, span, lines: [...lines, limit.seconds] });
        return { seconds, share, side, room: Math.min(room, width) };
      });
    });
    const [best] = places.toSorted((a, b) => b.room - a.room);
    if (best === undefined) return [];
    free.delete(best.share);
    const { seconds, share, side } = best;
    return [{ seconds, share, label: curve.name, name: { style: nameStyle(index), side } }];
  });
}

function nameStyle(index: number): string {
  return `n${index % RIVAL_STYLES}`;
}

/** How far it is to the next line on that side, or to the end of the plot. */
function roomBeside(place: {
  readonly seconds: number;
  readonly side: 'left' | 'right';
  readonly span: number;
  readonly lines: readonly number[];
}): number {
  const { seconds, side, span, lines } = place;
  const distanceTo = (line: number): number => (side === 'right' ? line - seconds : seconds - line);
  // A line at the same place is in the way on neither side.
  const distances = lines.map(distanceTo).filter((distance) => distance > span * SAME_PLACE);
  return Math.min(distanceTo(side === 'right' ? span : 0), ...distances);
}

/** When the curve reaches the share; null if it never does. */
function secondsAt({ points }: ReleaseCurve, share: number): number | null {
  return points.find((point) => point.share >= share)?.seconds ?? null;
}

/** When Kget+ had released half and four fifths of the nodes. */
function marks({ curves, formatMoment }: ComparisonPlotInput): PlotPoint[] {
  const ours = curves.find((curve) => curve.style === 'k0');
  if (ours === undefined) return [];
  return [0.5, 0.8].flatMap((share) => {
    const seconds = secondsAt(ours, share);
    const label = (at: number): string => `${share * 100} % after ${formatMoment(at)}`;
    return seconds === null ? [] : [{ share, seconds, label: label(seconds) }];
  });
}
