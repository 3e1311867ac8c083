import { curvePlot } from '../src/report/svg-curve.ts';
import { RIVAL_STYLES } from './page-style.ts';
import { inSeconds } from './words.ts';
import type { Markup } from '../src/report/markup.ts';
import type { ReleaseCurve } from '../src/report/record.ts';
import type { PlotCurve, PlotPoint } from '../src/report/svg-curve.ts';
import type { RaceFigures } from './figures.ts';
import type { RaceRecord } from './record.ts';

/** Curves may have their names at these heights, one each; not where marks are, at 50 and 80 %. */
const NAME_SHARES = [0.72, 0.4, 0.64, 0.32, 0.56, 0.24, 0.16, 0.08, 0.88];
/** Of the plot's width, roughly: a name has to have so much room beside its curve. */
const WIDTH_PER_CHARACTER = 0.009;
/** Names are a little above or below the height that they are for. */
const NAME_SHIFT = 0.03;

/** The curves in the order of the legend: Kget+ first, then the rivals as they ran. */
export function plotCurves({ contenders, releaseCurves }: RaceFigures): PlotCurve[] {
  const isOurs = new Map(contenders.map((figures) => [figures.contender, figures.isOurs]));
  const ours = releaseCurves.filter((curve) => isOurs.get(curve.name) === true);
  const rivals = releaseCurves.filter((curve) => isOurs.get(curve.name) !== true);
  return [
    ...ours.map((curve, index) => styled(curve, index === 0 ? 'k0' : 'k1')),
    ...rivals.map((curve, index) => styled(curve, `r r${index % RIVAL_STYLES}`)),
  ];
}

/** A curve that does not reach the top goes on to the end, where it can be seen that it does not. */
function styled(curve: ReleaseCurve, style: string): PlotCurve {
  return { ...curve, style, isExtended: (curve.points.at(-1)?.share ?? 0) < 1 };
}

/** The plot of all contenders, and the limit of the frontend's link. */
export function racePlot(
  record: RaceRecord,
  figures: RaceFigures,
  curves: readonly PlotCurve[],
): Markup {
  const { limitSeconds } = record.link;
  return curvePlot({
    curves,
    axisUnit: 'Seconds',
    spanSeconds: limitSeconds * 1.02,
    points: [...names(record, curves), ...marks(figures)],
    limit: {
      seconds: limitSeconds,
      label: `all images over the link: ${inSeconds(limitSeconds)}`,
    },
    description: description(figures),
  });
}

/** Each rival's name beside its curve, where most room is; taken heights are not used again. */
function names({ link }: RaceRecord, curves: readonly PlotCurve[]): PlotPoint[] {
  const rivals = curves.filter((curve) => curve.style.startsWith('r '));
  const ends = curves.map((curve) => curve.points.at(-1)?.seconds ?? 0);
  const span = Math.max(link.limitSeconds, ...ends);
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
        const room = roomBeside({ seconds, side, span, lines: [...lines, link.limitSeconds] });
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
  const distances = [0, span, ...lines].map((line) =>
    side === 'right' ? line - seconds : seconds - line,
  );
  return Math.min(...distances.filter((distance) => distance >= 0));
}

/** When the curve reaches the share; null if it never does. */
function secondsAt({ points }: ReleaseCurve, share: number): number | null {
  return points.find((point) => point.share >= share)?.seconds ?? null;
}

/** When Kget+ had released half and four fifths of the nodes. */
function marks({ contenders }: RaceFigures): PlotPoint[] {
  const ours = contenders.find((figures) => figures.isOurs);
  return [
    { share: 0.5, title: '50 %', seconds: ours?.t50Seconds ?? null },
    { share: 0.8, title: '80 %', seconds: ours?.t80Seconds ?? null },
  ].flatMap(({ share, title, seconds }) =>
    seconds === null ? [] : [{ share, seconds, label: `${title} after ${inSeconds(seconds)}` }],
  );
}

function description({ contenders }: RaceFigures): string {
  const means = contenders.map(
    ({ contender, meanReleaseSeconds }) => `${contender} ${inSeconds(meanReleaseSeconds)}`,
  );
  return `Mean release: ${means.join(', ')}. The tables below have the other figures.`;
}
