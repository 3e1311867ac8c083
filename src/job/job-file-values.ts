import * as z from 'zod/mini';
import { KgetError } from '../base/error.ts';
import { formatTimeSpan, parseTimeSpan } from '../base/time-span.ts';
import { formatSize, parseSize } from '../base/units.ts';

/**
 * Kinds of values in job files. A message of theirs says what was wanted: what was found is put
 * before it, and where.
 */

const MEBIBYTE = 1024 ** 2;
const SECOND_MS = 1000;

/** What a reading may say is wrong with a value. */
export interface Refusal {
  readonly wanted: string;
}

/** A schema whose values are what `read` makes of what `source` lets through. */
export function readAs<In, Out>(
  source: z.ZodMiniType<In>,
  read: (value: In) => Out | Refusal,
): z.ZodMiniType<Out> {
  return z.pipe(
    source,
    z.transform((value: In, context): Out => {
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
  return readAs(z.union([z.string(), z.number()]), (value) => {
    const bytes = orNothing(() => parseSize(String(value)));
    if (bytes === undefined || bytes < from || bytes > to) return { wanted };
    return Math.ceil(bytes / MEBIBYTE) * MEBIBYTE;
  });
}

/** `30s`, `5min`, `2h`, as milliseconds; rounded up to whole seconds. */
export function timeField({ from, to }: Bounds): z.ZodMiniType<number> {
  const wanted = `a time from ${timeWords(from)} to ${timeWords(to)}, e.g. 30s, 5min or 2h`;
  return readAs(z.union([z.string(), z.number()]), (value) => {
    const spanMs = orNothing(() => parseTimeSpan(String(value), { fromMs: from, toMs: to }));
    return spanMs === undefined ? { wanted } : wholeSeconds(spanMs);
  });
}

/** As `timeField`, or `none`, as null. */
export function limitField({ from, to }: Bounds): z.ZodMiniType<number | null> {
  const wanted = `a time from ${timeWords(from)} to ${timeWords(to)}, e.g. 30s or 2h, or none`;
  return readAs(z.union([z.string(), z.number()]), (value) => {
    if (value === 'none') return null;
    const spanMs = orNothing(() => parseTimeSpan(String(value), { fromMs: from, toMs: to }));
    return spanMs === undefined ? { wanted } : wholeSeconds(spanMs);
  });
}

/** A text: YAML makes numbers and truth values of some words, and forgets how they were written. */
export function textField(what: string, isGood: (text: string) => boolean): z.ZodMiniType<string> {
  return readAs(z.unknown(), (value) => {
    if (typeof value === 'string') return isGood(value) ? value : { wanted: what };
    const isWord = ['number', 'boolean'].includes(typeof value) || value === null;
    return { wanted: isWord ? `${what}: put it in quotes` : what };
  });
}

function wholeSeconds(spanMs: number): number {
  return Math.ceil(spanMs / SECOND_MS) * SECOND_MS;
}

function timeWords(spanMs: number): string {
  return formatTimeSpan(spanMs);
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KgetError) return undefined;
    throw error;
  }
}
