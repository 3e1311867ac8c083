import assert from 'node:assert/strict';
import { it } from 'node:test';
import { comparisonCurves, comparisonPlot } from '../../src/report/comparison-plot.ts';

/** Where the names of curves end that jump to the top at these moments; the limit is at 100 s. */
function anchors(...seconds: readonly number[]): (string | undefined)[] {
  const curves = comparisonCurves(
    seconds.map((at, index) => ({
      name: `rival ${index}`,
      isOurs: false,
      points: [{ seconds: at, share: 1 }],
    })),
  );
  const plot = comparisonPlot({
    curves,
    limit: { seconds: 100, label: 'limit' },
    formatMoment: String,
    description: '',
  });
  const names = plot.markup.matchAll(/class="curve-name[^>]*text-anchor="(\w+)"/g);
  return Array.from(names, (match) => match[1]);
}

void it('`comparisonPlot` has the name of a curve inside when the curve is at the right end', () => {
  assert.deepEqual(anchors(100), ['end']);
});

void it('`comparisonPlot` has names inside when curves and limit differ by rounding alone', () => {
  assert.deepEqual(anchors(100 - 1e-9, 100 + 1e-9), ['end', 'end']);
});

void it('`comparisonPlot` has a name on the side where more room is', () => {
  assert.deepEqual(anchors(10), ['start']);
  assert.deepEqual(anchors(95), ['end']);
});
