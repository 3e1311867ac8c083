import { formatMoment, formatShare } from './rivals.ts';
import { curvePlot } from './svg-curve.ts';
import type { Markup } from './markup.ts';
import type { ReleaseCurve, RunReport } from './record.ts';

/** Kinds of lines that the style sheet tells apart by colour and by dashes. */
const RIVAL_STYLES = 4;

/** The plot of a run: `curves[0]` is the measured one, and goes on to the end of the axis. */
export function runPlot(report: RunReport, curves: readonly ReleaseCurve[]): Markup {
  const { t50Seconds, t80Seconds } = report.summary;
  return curvePlot({
    curves: curves.map((curve, index) => ({
      ...curve,
      style: styleOf(index),
      isExtended: index === 0,
    })),
    spanSeconds: report.seconds,
    points: [
      { share: 0.5, seconds: t50Seconds },
      { share: 0.8, seconds: t80Seconds },
    ].flatMap(({ share, seconds }) => {
      const label = `${formatShare(share)} after ${formatMoment(seconds)}`;
      return seconds === null ? [] : [{ share, seconds, label }];
    }),
    description: description(report),
  });
}

/** The class that a curve is drawn with: `c0` for the measured one. */
function styleOf(index: number): string {
  return index === 0 ? 'c0' : `c${((index - 1) % RIVAL_STYLES) + 1}`;
}

function description({ nodes, summary }: RunReport): string {
  const { t50Seconds, t80Seconds, t100Seconds } = summary;
  const [half, most, all] = [t50Seconds, t80Seconds, t100Seconds].map((seconds) =>
    formatMoment(seconds, 'never'),
  );
  return (
    `Of ${nodes.length} nodes, 50 % were released by ${half}, ` +
    `80 % by ${most} and all by ${all}. ` +
    'The table below has the figures of the other curves.'
  );
}
