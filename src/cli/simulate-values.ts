import { KgetError } from '../base/error.ts';
import { parseRate, parseSize } from '../base/units.ts';
import type { Racks, Room } from '../simulator/cluster.ts';

// Readers of the values of options of `simulate`. All throw KgetError `usage`.

/** Of a thousand images the largest is then e¹² times the median: more would say nothing. */
const MAX_SIGMA = 4;
/** Racks, and nodes of one. */
const MAX_RACKS = 1024;
const MAX_ROOM_IMAGES = 1_000_000;

export function readCount(
  option: string,
  { from, to }: { readonly from: number; readonly to: number },
): (text: string) => number {
  return (text) => {
    const found = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (found >= from && found <= to) return found;
    throw unreadable(option, text, `a whole number from ${from} to ${to}`);
  };
}

export function readDecimal(
  option: string,
  { from, to }: { readonly from: number; readonly to: number },
): (text: string) => number {
  return (text) => {
    const found = toNumber(text);
    if (found >= from && found <= to) return found;
    throw unreadable(option, text, `a number from ${from} to ${to}`);
  };
}

/** Something has to be left to move. */
export function readShare(option: string): (text: string) => number {
  return (text) => {
    const found = toNumber(text);
    if (found >= 0 && found < 1) return found;
    throw unreadable(option, text, 'a share such as 0.9, at least 0 and less than 1');
  };
}

export function readRate(option: string): (text: string) => number {
  return (text) => named(option, () => parseRate(text));
}

export function readSize(text: string): number {
  const bytes = named('--size', () => parseSize(text));
  if (bytes > 0) return bytes;
  throw unreadable('--size', text, 'more than 0 bytes');
}

export function readSigma(text: string): number {
  const found = toNumber(/^lognormal:(.*)$/.exec(text)?.[1] ?? '');
  if (found >= 0 && found <= MAX_SIGMA) return found;
  throw unreadable('--sizes', text, `lognormal:SIGMA with SIGMA from 0 to ${MAX_SIGMA}`);
}

export function readRacks(text: string): Pick<Racks, 'count' | 'nodesEach'> {
  const [, rows = '', each = ''] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  const [racksFound, nodesEach] = [Number(rows), Number(each)];
  const isInside = (found: number): boolean => found >= 1 && found <= MAX_RACKS;
  if (isInside(racksFound) && isInside(nodesEach)) return { count: racksFound, nodesEach };
  throw unreadable('--racks', text, `RxN with both from 1 to ${MAX_RACKS}, such as 4x16`);
}

/** A number alone could mean either, so it has to say. */
export function readRoom(text: string): Room {
  const images = /^(\d+) ?images?$/.exec(text)?.[1];
  if (images !== undefined && Number(images) <= MAX_ROOM_IMAGES) {
    return { kind: 'images', images: Number(images) };
  }
  if (images === undefined && /[A-Za-z]$/.test(text)) {
    return { kind: 'bytes', bytes: named('--room', () => parseSize(text)) };
  }
  throw unreadable('--room', text, `a size such as 4GiB, or 0images to ${MAX_ROOM_IMAGES}images`);
}

function toNumber(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** Says which option it was that could not be read. */
function named(option: string, parse: () => number): number {
  try {
    return parse();
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError('usage', `Cannot use ${option}: ${found}`, { cause: error });
  }
}

function unreadable(option: string, text: string, wanted: string): KgetError {
  return new KgetError('usage', `Cannot read ${option} "${text}": wanted ${wanted}`);
}
