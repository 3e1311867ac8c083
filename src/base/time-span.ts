import { KgetError } from './error.ts';

/** Milliseconds of each unit; no `m`, which may be minutes or months: see duration.ts. */
const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  min: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of `15s`, `1.5min` or `2h`: a wait or a limit, of which the calendar says nothing.
 * @throws KgetError `usage` for anything else, and outside of `fromMs` to `toMs`
 */
export function parseTimeSpan(
  text: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number {
  const match = /^(\d+(?:\.\d+)?)\s*(s|min|h)$/.exec(text.trim());
  const spanMs = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (spanMs >= fromMs && spanMs <= toMs) return spanMs;
  throw new KgetError(
    'usage',
    `Cannot read "${text}" as a time: wanted ${formatTimeSpan(fromMs)} to ${formatTimeSpan(toMs)}, ` +
      'e.g. 30s, 2min or 1h',
  );
}

/** `15s`, `1.5min`, `2h`: in the largest unit of which it is one at least. */
export function formatTimeSpan(spanMs: number): string {
  const fitting = Object.entries(UNITS).filter(([, unitMs]) => spanMs >= unitMs);
  const [unit, unitMs] = fitting.at(-1) ?? ['s', 1000];
  return `${spanMs / unitMs}${unit}`;
}
