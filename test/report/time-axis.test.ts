import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { percent, timeAxis } from '../../src/report/time-axis.ts';

const marks = (seconds: number) => timeAxis(seconds).ticks.map((tick) => tick.label);

void it('`timeAxis` counts in the unit that people would use when spans differ', () => {
  assert.deepEqual(marks(35), ['0', '5', '10', '15', '20', '25', '30', '35']);
  assert.equal(timeAxis(450).unit, 'Minutes');
  assert.deepEqual(marks(450), ['0', '1', '2', '3', '4', '5', '6', '7']);
  assert.equal(timeAxis(5 * 3600).unit, 'Hours');
  assert.deepEqual(marks(0.4), ['0', '0.05', '0.1', '0.15', '0.2', '0.25', '0.3', '0.35', '0.4']);
});

void it('`timeAxis` has few ticks, all on the axis, when given any span', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e8, noNaN: true }), (span) => {
      const axis = timeAxis(span);
      assert.ok(axis.ticks.length >= 3 && axis.ticks.length <= 12, `${axis.ticks.length} ticks`);
      assert.equal(new Set(axis.ticks.map((tick) => tick.label)).size, axis.ticks.length);
      for (const tick of axis.ticks) assert.ok(tick.seconds <= span * (1 + 1e-6));
    }),
  );
});

void it('`percent` stays on the axis when a moment is beyond its ends', () => {
  const axis = timeAxis(10);
  assert.equal(percent(axis, 2.5), 25);
  assert.equal(percent(axis, -1), 0);
  assert.equal(percent(axis, 11), 100);
});

void it('`timeAxis` counts in the unit that is named when the span is long', () => {
  const axis = timeAxis(690, 'Seconds');
  assert.equal(axis.unit, 'Seconds');
  assert.deepEqual(
    axis.ticks.map((tick) => tick.label),
    ['0', '100', '200', '300', '400', '500', '600'],
  );
});
