import { assert } from './assert.ts';
import { KgetError } from './error.ts';

/** A span in units of the calendar: how long a month is depends on the date it is taken from. */
export interface Duration {
  readonly years: number;
  readonly months: number;
  readonly weeks: number;
  readonly days: number;
  readonly hours: number;
}

/** The largest first; `m` is months, as in restic: there are no minutes. */
const UNITS = [
  ['y', 'years'],
  ['m', 'months'],
  ['w', 'weeks'],
  ['d', 'days'],
  ['h', 'hours'],
] as const;

const NOTHING: Duration = { years: 0, months: 0, weeks: 0, days: 0, hours: 0 };

/** Of one unit. As years it is far more than any store holds, and dates can still express it. */
const MAX_COUNT = 99_999;

const HOUR_MS = 3_600_000;

/**
 * Reads `7d`, `12h`, `1w2d`, `6m` or `1y6m`: whole numbers of y(ears), m(onths), w(eeks), d(ays) and
 * h(ours), each unit once, in any order, above 0 in all. The form is restic's, with weeks.
 * @throws KgetError `usage`
 */
export function parseDuration(text: string): Duration {
  const duration = { ...NOTHING };
  const seen = new Set<string>();
  const trimmed = text.trim();
  if (!/^(?:\d+[a-z])+$/.test(trimmed)) throw unreadable(text);
  for (const [, digits, letter = ''] of trimmed.matchAll(/(\d+)([a-z])/g)) {
    const unit = UNITS.find(([known]) => known === letter)?.[1];
    const count = Number(digits);
    if (unit === undefined || seen.has(letter) || count > MAX_COUNT) throw unreadable(text);
    seen.add(letter);
    duration[unit] = count;
  }
  if (isZero(duration)) throw unreadable(text);
  return duration;
}

/** `1y6m`, `7d`: as `parseDuration` reads it, the largest unit first; `0h` if it is nothing. */
export function formatDuration(duration: Duration): string {
  const parts = UNITS.map(([letter, unit]) => (duration[unit] > 0 ? duration[unit] + letter : ''));
  return parts.join('') || '0h';
}

export function isZero(duration: Duration): boolean {
  return UNITS.every(([, unit]) => duration[unit] === 0);
}

/**
 * The moment that lies `duration` before `date`, on the calendar of UTC: a day has 24 hours. Where a
 * month has no such day, the days that are missing count on into the next one: one month before 31
 * March is "31 February", 3 March. So do Go's `AddDate` and, with it, restic.
 */
export function before(date: Date, duration: Duration): Date {
  const moment = new Date(date);
  moment.setUTCFullYear(
    date.getUTCFullYear() - duration.years,
    date.getUTCMonth() - duration.months,
    date.getUTCDate() - duration.days - 7 * duration.weeks,
  );
  moment.setTime(moment.getTime() - duration.hours * HOUR_MS);
  assert(!Number.isNaN(moment.getTime()), 'a date and a duration that dates can express');
  return moment;
}

function unreadable(text: string): KgetError {
  return new KgetError(
    'usage',
    `Cannot read "${text}" as a duration: wanted e.g. 12h, 7d, 1w2d, 6m (months) or 1y6m, ` +
      `each unit once, at most ${MAX_COUNT} of it, above 0 in all`,
  );
}
