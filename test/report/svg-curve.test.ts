import assert from 'node:assert/strict';
import { it } from 'node:test';
import { curvePlot } from '../../src/report/svg-curve.ts';
import type { CurvePlotInput } from '../../src/report/svg-curve.ts';

const HALF = { name: 'half', points: [{ seconds: 50, share: 0.5 }] };

function plotOf(change: Partial<CurvePlotInput> = {}): string {
  const curves = [{ ...HALF, style: 'c0', isExtended: false }];
  return curvePlot({ curves, spanSeconds: 100, points: [], description: '', ...change }).markup;
}

void it('`curvePlot` ends a line at its last point unless it is extended', () => {
  assert.ok(plotOf().includes('d="M0 1000H500V500"'));
  const curves = [{ ...HALF, style: 'c0', isExtended: true }];
  assert.ok(plotOf({ curves }).includes('d="M0 1000H500V500H1000"'));
});

void it('`curvePlot` draws the first curve last when there are several', () => {
  const { name, points } = HALF;
  const curves = ['a', 'b', 'c'].map((style) => ({ name, points, style, isExtended: false }));
  const styles = Array.from(plotOf({ curves }).matchAll(/<path class="(.)"/g), (match) => match[1]);
  assert.deepEqual(styles, ['c', 'b', 'a']);
});

void it('`curvePlot` makes room for a limit that is later than everything else', () => {
  const plot = plotOf({ limit: { seconds: 200, label: 'the <limit>' } });
  assert.match(plot, /data-max="200"/);
  assert.match(plot, /<line class="limit" x1="100%"/);
  assert.match(plot, /the &lt;limit&gt;/);
  assert.doesNotMatch(plotOf(), /class="limit/);
});

void it('`curvePlot` marks a point, but not where it only names a curve', () => {
  const point = { seconds: 50, share: 0.5, label: 'half' };
  assert.match(plotOf({ points: [point] }), /<circle class="marker" cx="50%" cy="50%"/);
  const named = plotOf({ points: [{ ...point, name: { style: 'n0', side: 'left' } }] });
  assert.doesNotMatch(named, /<circle/);
  assert.match(named, /class="curve-name n0"[^>]*text-anchor="end"/);
});
