import { comparisonCurves } from './comparison-plot.ts';
import type { ReleaseCurve } from './record.ts';
import type { SimulationReport } from './simulation-record.ts';
import type { PlotCurve } from './svg-curve.ts';

/** Steps of a curve on a page: more would not be seen. */
const MAX_STEPS = 2000;

/** The curves of a simulation's page: Kget+, the others, and the bound last. */
export function simulationCurves({ strategies, bound }: SimulationReport): PlotCurve[] {
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
