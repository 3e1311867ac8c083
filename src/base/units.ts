import { KgetError } from './error.ts';

const BINARY: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 1024,
  KiB: 1024,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  T: 1024 ** 4,
  TiB: 1024 ** 4,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

const BITS_PER_SECOND: Readonly<Record<string, number>> = {
  bit: 1,
  kbit: 1e3,
  Mbit: 1e6,
  mbit: 1e6,
  Gbit: 1e9,
  gbit: 1e9,
};

/** What of a text that cannot be read is shown. */
const MAX_SHOWN_CHARACTERS = 80;

/**
 * Bytes of `64MiB`, `1.5G`, `512` and the like, a safe integer (below 8 PiB). @throws KgetError
 * `usage`
 */
export function parseSize(text: string): number {
  const bytes = sizeIn(text);
  if (bytes !== undefined) return bytes;
  throw new KgetError(
    'usage',
    `Cannot read "${shown(text)}" as a size: wanted e.g. 512MiB, 4G or 1.5GB, below 8 PiB`,
  );
}

function sizeIn(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const name = match?.[2] ?? '';
  if (match === null || !Object.hasOwn(BINARY, name)) return undefined;
  const bytes = Math.round(Number(match[1]) * (BINARY[name] ?? 0));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function shown(text: string): string {
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}

/**
 * Bytes per second of a rate: `80Mbit` counts bits, as tc(8) writes it; `10MiB` or `10M` counts
 * bytes, as rsync's --bwlimit does. From 1 B/s to below 8 PiB/s: with others, times are no numbers.
 * @throws KgetError `usage`
 */
export function parseRate(text: string): number {
  const trimmed = text.trim().replace(/\/s$|ps$/, '');
  const match = /^(\d+(?:\.\d+)?)\s*([kKmMgG]?bit)$/.exec(trimmed);
  const unit = match === null ? undefined : BITS_PER_SECOND[match[2] ?? ''];
  const rate =
    match !== null && unit !== undefined ? (Number(match[1]) * unit) / 8 : sizeIn(trimmed);
  if (rate !== undefined && rate >= 1 && rate <= Number.MAX_SAFE_INTEGER) return rate;
  throw new KgetError(
    'usage',
    `Cannot read "${shown(text)}" as a rate: wanted e.g. 80Mbit (bits) or 10MiB (bytes) a second, ` +
      'at least 8bit and below 8 PiB',
  );
}

/** `1.2 GiB`, `512 KiB`, `17 B`: three significant digits in binary units. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${significant(value, unit === 0)} ${units[unit]}`;
}

/** `80.0 Mbit/s`: bytes per second as network links are sold. */
export function formatRate(bytesPerSecond: number): string {
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];
  let value = bytesPerSecond * 8;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${significant(value, false)} ${units[unit]}`;
}

/** `0.4 s`, `12.3 s`, `2 min 05 s`, `3 h 07 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

function significant(value: number, whole: boolean): string {
  if (whole || value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
