import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatTimeSpan, parseTimeSpan } from '../../src/base/time-span.ts';

const BOUNDS = { fromMs: 1000, toMs: 3_600_000 };

void test('`parseTimeSpan` reads seconds, minutes and hours', () => {
  const spans = { '1s': 1000, '15s': 15_000, '1.5min': 90_000, '2 min': 120_000, '1h': 3_600_000 };
  for (const [text, spanMs] of Object.entries(spans)) {
    assert.equal(parseTimeSpan(text, BOUNDS), spanMs);
  }
});

void test('`parseTimeSpan` throws `usage` and says the bounds when it is given anything else', () => {
  for (const text of ['', '15', '5m', '-1s', '1e3s', '0s', '0.9s', '61min', 'soon', '1h1min']) {
    assert.throws(() => parseTimeSpan(text, BOUNDS), { code: 'usage', message: /wanted 1s to 1h/ });
  }
});

void test('`formatTimeSpan` is read back as it was', () => {
  const span = fc.integer({ min: 1000, max: 3_600_000 });
  fc.assert(fc.property(span, isReadBack));
});

function isReadBack(spanMs: number): boolean {
  const read = parseTimeSpan(formatTimeSpan(spanMs), { fromMs: 0, toMs: Infinity });
  return Math.abs(read - spanMs) < 1e-6;
}
