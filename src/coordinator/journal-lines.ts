import { crc32 } from 'node:zlib';
import * as z from 'zod/mini';
import { KgetError } from '../base/error.ts';
import { RUN_JOURNAL, type JournalKind } from './journal-kind.ts';
import type { JournalRecord } from './journal.ts';

/**
 * The lines of a journal file: CRC-32 (of zlib, 8 hexadecimal digits) of the JSON text in UTF-8, a
 * space, the JSON text, `\n`. The first one is the header, which names the version. Version 1 of a
 * run's had neither header nor checksums; one that is continued has the header in between.
 */

/** What comes before the JSON. */
const SUM_BYTES = 9;
const NEWLINE = 0x0a;
/** Blocks of a file that were never written: no line has a zero byte. */
const HOLE = Buffer.alloc(8);
const BRACE = 0x7b;
/** `00000000 {`, wherever it begins. */
const RECORD_START = /[0-9a-f]{8} \{/g;

/** Places in one line that are tried as the start of a record: each costs a look at all behind it. */
const MAX_STARTS = 1000;

const header = z.object({ schema: z.string() });

/** The good part of a journal: its records, and the length in bytes of the lines they stand in. */
export interface JournalContents<R = JournalRecord> {
  readonly records: readonly R[];
  readonly goodBytes: number;
}

/** One line of a journal, with its end. */
export function journalLine(record: unknown): string {
  return lineOf(JSON.stringify(record));
}

/** The line that comes before those with checksums, with its end. */
export function headerLine(format = RUN_JOURNAL.format): string {
  return lineOf(JSON.stringify({ schema: format } satisfies z.infer<typeof header>));
}

/** As `parseRecords`, of a run. */
export function parseJournal(file: { path: string; bytes: Buffer }): JournalContents {
  return parseRecords(file, RUN_JOURNAL);
}

/**
 * Reads a journal. What a crash has left of the last record is not part of it: bytes at the end that
 * are no good record, and that no good record follows.
 * @throws KgetError `corrupt` if good records follow damage, `version` for records of a later Kget+
 */
export function parseRecords<R>(
  { path, bytes }: { path: string; bytes: Buffer },
  kind: JournalKind<R>,
): JournalContents<R> {
  const records: R[] = [];
  let isChecked = !kind.hasUnchecked;
  let goodBytes = 0;
  let line = 1;
  for (; ; line += 1) {
    const end = bytes.indexOf(NEWLINE, goodBytes);
    const good: GoodLine | undefined =
      end < 0 ? undefined : readLine(bytes.subarray(goodBytes, end), isChecked);
    if (good === undefined) break;
    const place = `${path}, line ${line}`;
    const found = header.safeParse(good.value);
    if (found.success) confirmVersion(found.data.schema, place, kind);
    else records.push(recordOf(good.value, place, kind));
    isChecked = good.isChecked;
    goodBytes = end + 1;
  }
  const rest = bytes.subarray(goodBytes);
  const later = goodLines(rest, isChecked);
  if (!isTorn(rest, later, kind)) throw damaged(`${path}, line ${line}`, later.length, kind);
  return { records, goodBytes };
}

function lineOf(json: string): string {
  return `${sumOf(json)}${json}\n`;
}

function sumOf(json: string | Buffer): string {
  return `${crc32(json).toString(16).padStart(8, '0')} `;
}

interface GoodLine {
  readonly value: unknown;
  readonly isChecked: boolean;
}

/** A good line, without its end; once one has had a checksum, all have. */
function readLine(line: Buffer, mustBeChecked: boolean): GoodLine | undefined {
  const isChecked = line[0] !== BRACE;
  if (mustBeChecked && !isChecked) return undefined;
  const json = isChecked ? line.subarray(SUM_BYTES) : line;
  const sum = line.toString('latin1', 0, SUM_BYTES);
  if (isChecked && sum !== sumOf(json)) return undefined;
  try {
    return { value: JSON.parse(json.toString()), isChecked };
  } catch {
    return undefined;
  }
}

interface LaterLine {
  readonly start: number;
  /** Undefined for a line that cannot be told from a good one. */
  readonly value: unknown;
}

/** The good lines behind damage: also where the end of the damaged one is gone. */
function goodLines(tail: Buffer, isChecked: boolean): LaterLine[] {
  const found: LaterLine[] = [];
  let from = 0;
  for (let end = tail.indexOf(NEWLINE); end >= 0; end = tail.indexOf(NEWLINE, from)) {
    const line = tail.subarray(from, end);
    const isOld = !isChecked && from > 0 && line[0] === BRACE;
    const whole = isOld ? goodStart(line, 0, isChecked) : undefined;
    const good = whole ?? goodEnd(line, isChecked);
    if (good !== undefined) found.push({ start: from + good.start, value: good.value });
    from = end + 1;
  }
  return found;
}

/** The record with a checksum that a line ends with, wherever it begins. */
function goodEnd(line: Buffer, isChecked: boolean): LaterLine | undefined {
  let tried = 0;
  for (const { index } of line.toString('latin1').matchAll(RECORD_START)) {
    tried += 1;
    // Who knows: what follows damage and may be good is not to be cut off.
    if (tried > MAX_STARTS) return { start: index, value: undefined };
    const good = goodStart(line, index, isChecked);
    if (good !== undefined) return good;
  }
  return undefined;
}

function goodStart(line: Buffer, start: number, isChecked: boolean): LaterLine | undefined {
  const good = readLine(line.subarray(start), isChecked);
  return good && { start, value: good.value };
}

/**
 * Whether a crash alone explains a damaged end. Of records that were not synced yet it may have left
 * some, and zeros in place of those before; once a record is written that is synced, all before it are.
 */
function isTorn<R>(rest: Buffer, later: readonly LaterLine[], kind: JournalKind<R>): boolean {
  const [first] = later;
  if (first === undefined) return true;
  if (!rest.subarray(0, first.start).includes(HOLE)) return false;
  return later.every(({ value }) => {
    const record = kind.record.safeParse(value);
    return record.success && kind.isUnsynced(record.data);
  });
}

function damaged(
  place: string,
  later: number,
  { whenDamaged }: { readonly whenDamaged: string },
): KgetError {
  return new KgetError(
    'corrupt',
    `Cannot read the journal ${place}: the line is damaged, and ${later} good ones follow, so it is no ` +
      `torn end; ${whenDamaged}`,
  );
}

function confirmVersion<R>(schema: string, place: string, kind: JournalKind<R>): void {
  if (schema === kind.format) return;
  throw new KgetError(
    'version',
    `Cannot read the journal ${place}: found ${schema}, wanted ${kind.format} or older; ` +
      kind.whenLater,
  );
}

function recordOf<R>(value: unknown, place: string, { record, whenLater }: JournalKind<R>): R {
  const parsed = record.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new KgetError(
    'version',
    `Cannot read the journal ${place}: a record that this version does not know; ${whenLater}`,
  );
}
