import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { before, formatDuration, isZero, parseDuration } from '../../src/base/duration.ts';
import { KgetError } from '../../src/base/error.ts';

const NOTHING = { years: 0, months: 0, weeks: 0, days: 0, hours: 0 };

const REFUSED = [
  ['', ' ', '7', 'd', '7 d', '7D', '7M', '-7d', '+7d', '1.5d', '7s', '7min', '1d12'],
  ['0d', '0y0h', '1d2d', '100000d', '1e3d', '7d,1h', '٧d', '1d\n2h', 'forever'],
].flat();

const counts = fc.nat({ max: 99_999 });
const durations = fc
  .record(
    { years: counts, months: counts, weeks: counts, days: counts, hours: counts },
    { noNullPrototype: true },
  )
  .filter((duration) => !isZero(duration));

void suite('durations', () => {
  for (const [text, parts] of [
    ['7d', { days: 7 }],
    ['12h', { hours: 12 }],
    ['1w2d', { weeks: 1, days: 2 }],
    ['6m', { months: 6 }],
    ['1y', { years: 1 }],
    ['2y5m7d3h', { years: 2, months: 5, days: 7, hours: 3 }],
    ['3h1y', { years: 1, hours: 3 }],
    [' 0y99999d ', { days: 99_999 }],
  ] as const) {
    void test(`\`parseDuration\` reads "${text}"`, () => {
      assert.deepEqual(parseDuration(text), { ...NOTHING, ...parts });
    });
  }

  for (const text of REFUSED) {
    void test(`\`parseDuration\` refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseDuration(text), isUsageThatNames(text));
    });
  }

  void test('`formatDuration` writes what `parseDuration` reads', () => {
    fc.assert(
      fc.property(durations, (duration) => {
        assert.deepEqual(parseDuration(formatDuration(duration)), duration);
      }),
    );
    assert.equal(formatDuration(parseDuration('3h2d1w4m5y')), '5y4m1w2d3h');
    assert.equal(formatDuration(NOTHING), '0h');
  });

  for (const [from, text, to] of [
    ['2026-03-08T11:00:00Z', '7d', '2026-03-01T11:00:00Z'],
    ['2026-03-08T11:00:00Z', '1w', '2026-03-01T11:00:00Z'],
    ['2026-01-01T00:30:00Z', '1h', '2025-12-31T23:30:00Z'],
    ['2026-01-15T00:00:00Z', '1m', '2025-12-15T00:00:00Z'],
    ['2026-01-15T00:00:00Z', '25m', '2023-12-15T00:00:00Z'],
    ['2024-03-01T00:00:00Z', '1d', '2024-02-29T00:00:00Z'],
    // The examples of the manual of Go's `AddDate`, and its rule for days that a month lacks.
    ['2009-10-31T00:00:00Z', '1m', '2009-10-01T00:00:00Z'],
    ['2026-03-31T12:00:00Z', '1m', '2026-03-03T12:00:00Z'],
    ['2024-02-29T00:00:00Z', '1y', '2023-03-01T00:00:00Z'],
    ['2024-03-30T00:00:00Z', '1y1m', '2023-03-02T00:00:00Z'],
    ['2024-03-31T00:00:00Z', '1m1d', '2024-03-01T00:00:00Z'],
    ['0100-06-01T00:00:00Z', '40y', '0060-06-01T00:00:00Z'],
    // Clocks in Central Europe changed between these.
    ['2026-03-29T12:00:00+02:00', '1d', '2026-03-28T10:00:00Z'],
  ] as const) {
    void test(`\`before\` finds ${to} when asked for ${text} before ${from}`, () => {
      assert.deepEqual(before(new Date(from), parseDuration(text)), new Date(to));
    });
  }

  void test('`before` finds a date that lies earlier, and leaves its argument alone', () => {
    const dates = fc.date({
      min: new Date('1970-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, durations, (date, duration) => {
        const time = date.getTime();
        assert.ok(before(date, duration).getTime() < time);
        assert.equal(date.getTime(), time);
        assert.deepEqual(before(date, NOTHING), date);
      }),
    );
  });
});

function isUsageThatNames(text: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof KgetError &&
    error.code === 'usage' &&
    error.message.includes(`"${text}"`) &&
    error.message.includes('wanted');
}
