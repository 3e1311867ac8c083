import { formatSeconds } from '../base/units.ts';
import { comparisonCurves, comparisonPlot } from './comparison-plot.ts';
import { html } from './markup.ts';
import { timesTable } from './simulation-tables.ts';
import { momentWords } from './simulation-words.ts';
import type { Markup } from './markup.ts';
import type { ReleaseCurve } from './record.ts';
import type { SimulationReport } from './simulation-record.ts';
import type { PlotCurve } from './svg-curve.ts';

/** Strategies that were simulated, beside the bound. */
type Compared = Pick<SimulationReport, 'strategies' | 'bound'>;

/** Steps of a curve on a page: more would not be seen. */
const MAX_STEPS = 2000;

/** The curves of a page: Kget+, the others, and the bound last. */
export function simulationCurves({ strategies, bound }: Compared): PlotCurve[] {
  const compared = strategies.map(({ name, isOurs, curve }) => ({
    name,
    isOurs,
    points: thinned(curve),
  }));
  return [
    ...comparisonCurves(compared),
    { name: 'bound', points: thinned(bound.curve), style: 'bound-line', isExtended: false },
  ];
}

/** The curves as a plot. */
export function simulationPlot(
  { strategies, bound }: Compared,
  curves: readonly PlotCurve[],
): Markup {
  const seconds = bound.times.makespanSeconds ?? 0;
  const means = strategies.map(
    ({ name, times }) => `${name} ${momentWords(times.meanReleaseSeconds)}`,
  );
  return comparisonPlot({
    curves,
    limit: { seconds, label: `the bound for all: ${formatSeconds(seconds)}` },
    formatMoment: formatSeconds,
    description: `Mean release: ${means.join(', ')}. The tables below have the other figures.`,
  });
}

/** The times of all, and how to read them. */
export function simulatedTimes({ strategies, bound }: Compared): Markup {
  return html`<div class="times">${timesTable(strategies, bound)}</div>
    <p class="note">
      From the start of the command. Small: times the bound's. The bound holds for each moment by
      itself; no one schedule need reach it everywhere. All there: the last image is on the
      frontend.
    </p>`;
}

/** Of the points the first in each step, so that whole percents are where they were, and the last. */
function thinned(points: ReleaseCurve['points']): ReleaseCurve['points'] {
  return points.filter(
    ({ share }, place) =>
      place === points.length - 1 || stepOf(share) > stepOf(points[place - 1]?.share ?? 0),
  );
}

/** The tolerance covers shares such as 56/70 that sum inexactly. */
function stepOf(share: number): number {
  return Math.floor(share * MAX_STEPS + 1e-6);
}
