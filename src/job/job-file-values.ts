import * as z from 'zod/mini';
import { KgetError } from '../base/error.ts';
import { formatTimeSpan, parseTimeSpan } from '../base/time-span.ts';
import { formatSize, parseSize } from '../base/units.ts';

/**
 * Kinds of values in job files. A message of theirs says what was wanted; what was found, and
 * where, is put before it.
 */

const MEBIBYTE = 1024 ** 2;
const SECOND_MS = 1000;

/** What a reading says that was wanted in place of a value. */
export interface Refusal {
  readonly wanted: string;
}

/** A schema whose values are what `read` makes of what is there. */
export function readAs<Out>(read: (value: unknown) => Out | Refusal): z.ZodMiniType<Out> {
  return z.pipe(
    z.unknown(),
    z.transform((value, context): Out => {
      const result = read(value);
      if (!isRefusal(result)) return result;
      context.issues.push({ code: 'custom', message: result.wanted, input: value });
      return z.NEVER;
    }),
  );
}

function isRefusal(result: unknown): result is Refusal {
  return typeof result === 'object' && result !== null && 'wanted' in result;
}

interface Bounds {
  readonly from: number;
  readonly to: number;
}

/** `128MiB`, or a number of bytes; rounded up to whole MiB. */
export function sizeField({ from, to }: Bounds): z.ZodMiniType<number> {
  const wanted = `a size from ${formatSize(from)} to ${formatSize(to)}, e.g. 512MiB or 4GiB`;
  return readAs<number>((value) => {
    const bytes = readWord(value, parseSize);
    if (bytes === undefined || bytes < from || bytes > to) return { wanted };
    return Math.ceil(bytes / MEBIBYTE) * MEBIBYTE;
  });
}

/** `30s`, `5min`, `2h`, as milliseconds; rounded up to whole seconds. */
export function timeField(bounds: Bounds): z.ZodMiniType<number> {
  const wanted = wantedTime(bounds);
  return readAs<number>((value) => readTime(value, bounds) ?? { wanted });
}

/** As `timeField`, or `none`, as null. */
export function limitField(bounds: Bounds): z.ZodMiniType<number | null> {
  const wanted = `${wantedTime(bounds)}, or none`;
  return readAs<number | null>((value) =>
    value === 'none' ? null : (readTime(value, bounds) ?? { wanted }),
  );
}

/**
 * A text. YAML makes numbers and truth values of some words, and nobody knows any more how they
 * were written: for these, quotes are asked for.
 */
export function textField(what: string, isGood: (text: string) => boolean): z.ZodMiniType<string> {
  return readAs<string>((value) => {
    if (typeof value === 'string') return isGood(value) ? value : { wanted: what };
    const isWord = value === null || ['number', 'boolean'].includes(typeof value);
    return { wanted: isWord ? `${what}: put it in quotes` : what };
  });
}

function readTime(value: unknown, { from, to }: Bounds): number | undefined {
  const spanMs = readWord(value, (text) => parseTimeSpan(text, { fromMs: from, toMs: to }));
  return spanMs === undefined ? undefined : Math.ceil(spanMs / SECOND_MS) * SECOND_MS;
}

function wantedTime({ from, to }: Bounds): string {
  return `a time from ${formatTimeSpan(from)} to ${formatTimeSpan(to)}, e.g. 30s, 5min or 2h`;
}

/** Undefined if `parse` refuses it. */
function readWord<T>(value: unknown, parse: (text: string) => T): T | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  try {
    return parse(String(value));
  } catch (error) {
    if (error instanceof KgetError) return undefined;
    throw error;
  }
}
