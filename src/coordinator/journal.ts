import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import * as z from 'zod/mini';
import { KgetError, systemCode } from '../base/error.ts';

/**
 * What must outlive the coordinator: which copies are durable where, and which nodes were released.
 * One JSON object a line, in `DIR/.kgetplus/journal.jsonl`; each record is synced before the run
 * acts on it. A run that ended with every image safe closes with `end`.
 */
const journalRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    run: z.string(),
    startedAt: z.string(),
    patterns: z.optional(z.array(z.string())),
  }),
  /**
   * Its own node has named it (again): copies from before do not count, the image may be another.
   */
  z.object({
    type: z.literal('image'),
    image: z.string(),
    node: z.string(),
    path: z.string(),
    sizeBytes: z.int(),
  }),
  /** `at` is a node's name, or null for the frontend. */
  z.object({ type: z.literal('copy'), image: z.string(), at: z.nullable(z.string()) }),
  z.object({ type: z.literal('released'), node: z.string() }),
  z.object({ type: z.literal('end') }),
]);

export type JournalRecord = z.infer<typeof journalRecord>;

/**
 * Where records go; `append` returns when the record is durable, and throws `no-room` or
 * `target-unwritable`.
 */
export interface Journal {
  append(record: JournalRecord): void;
  close(): void;
}

/** What an unfinished run into the same directory left behind. */
export interface Resumption {
  readonly run: string;
  /** The paths that it gathers, if it said so. */
  readonly patterns?: readonly string[] | undefined;
  readonly released: ReadonlySet<string>;
  readonly images: ReadonlyMap<string, ResumedImage>;
}

interface ResumedImage {
  readonly node: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly safe: boolean;
  /** Nodes other than its own on which a copy was durable. */
  readonly copies: readonly string[];
}

/**
 * Folds the records of a journal; undefined when the last run in it has ended, or there is none.
 */
export function foldJournal(records: readonly JournalRecord[]): Resumption | undefined {
  let run: string | undefined;
  let patterns: readonly string[] | undefined;
  const released = new Set<string>();
  const images = new Map<string, ResumedImage>();
  for (const record of records) {
    switch (record.type) {
      case 'run':
        ({ run, patterns } = record);
        break;
      case 'image':
        images.set(record.image, { ...record, safe: false, copies: [] });
        break;
      case 'copy': {
        const image = images.get(record.image);
        if (image !== undefined) images.set(record.image, withCopy(image, record.at));
        break;
      }
      case 'released':
        released.add(record.node);
        break;
      case 'end':
        run = undefined;
        released.clear();
        images.clear();
        break;
    }
  }
  return run === undefined ? undefined : { run, patterns, released, images };
}

function withCopy(image: ResumedImage, at: string | null): ResumedImage {
  if (at === null) return { ...image, safe: true };
  return { ...image, copies: [...image.copies, at] };
}

/**
 * The good part of a journal file: its records, and the length in bytes of the lines they stand in.
 */
export interface JournalContents {
  readonly records: readonly JournalRecord[];
  readonly goodBytes: number;
}

/** Reads a journal file; a torn last line (a crash while writing) is not part of it. */
export function readJournal(path: string): JournalContents {
  const records: JournalRecord[] = [];
  let goodBytes = 0;
  for (const line of textOf(path).split('\n').slice(0, -1)) {
    const record = parseRecord(line);
    if (record === undefined) break;
    records.push(record);
    goodBytes += Buffer.byteLength(line) + 1;
  }
  return { records, goodBytes };
}

/** Opens a journal to append to its first `keepBytes` bytes; what follows them is cut off. */
export function openJournal(path: string, keepBytes: number): Journal {
  const fd = openSync(path, 'a', 0o600);
  ftruncateSync(fd, keepBytes);
  return {
    append(record) {
      try {
        writeSync(fd, `${JSON.stringify(record)}\n`);
        fdatasyncSync(fd);
      } catch (error) {
        throw journalFailure(path, error);
      }
    },
    close() {
      closeSync(fd);
    },
  };
}

function journalFailure(path: string, error: unknown): KgetError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
  const found = error instanceof Error ? error.message : String(error);
  return new KgetError(
    isFull ? 'no-room' : 'target-unwritable',
    `Cannot write the run's journal ${path}: ${found}; what was not noted there does not count`,
    { cause: error },
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    return journalRecord.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
