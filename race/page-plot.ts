import { comparisonCurves, comparisonPlot } from '../src/report/comparison-plot.ts';
import { inSeconds } from './words.ts';
import type { Markup } from '../src/report/markup.ts';
import type { PlotCurve } from '../src/report/svg-curve.ts';
import type { RaceFigures } from './figures.ts';
import type { RaceRecord } from './record.ts';

/** The curves in the order of the legend. */
export function plotCurves({ contenders, releaseCurves }: RaceFigures): PlotCurve[] {
  const isOurs = new Map(contenders.map((figures) => [figures.contender, figures.isOurs]));
  return comparisonCurves(
    releaseCurves.map((curve) => ({ ...curve, isOurs: isOurs.get(curve.name) === true })),
  );
}

/** The plot of all contenders, and the limit of the frontend's link. */
export function racePlot(
  { link }: RaceRecord,
  figures: RaceFigures,
  curves: readonly PlotCurve[],
): Markup {
  const seconds = link.limitSeconds;
  return comparisonPlot({
    curves,
    axisUnit: 'Seconds',
    limit: { seconds, label: `all images over the link: ${inSeconds(seconds)}` },
    formatMoment: inSeconds,
    description: description(figures),
  });
}

function description({ contenders }: RaceFigures): string {
  const means = contenders.map(
    ({ contender, meanReleaseSeconds }) => `${contender} ${inSeconds(meanReleaseSeconds)}`,
  );
  return `Mean release: ${means.join(', ')}. The tables below have the other figures.`;
}
