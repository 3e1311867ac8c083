import type * as z from 'zod/mini';
import { journalRecord, UNSYNCED, type JournalRecord } from './journal.ts';

/** What differs between journals: their records, and what people are told of a bad one. */
export interface JournalKind<R> {
  /** Name and version, as the header of a file has it. */
  readonly format: string;
  readonly record: z.ZodMiniType<R>;
  /** Whether a record need not be durable by itself: the next one that is synced takes it along. */
  isUnsynced(record: R): boolean;
  /** Whether there is an older version without header and checksums. */
  readonly hasUnchecked: boolean;
  /** `the run's journal`. */
  readonly title: string;
  /** What good records behind damage are needed for, and what can be done about it. */
  readonly whenDamaged: string;
  /** What can be done about a journal of a later version. */
  readonly whenLater: string;
}

/** The journal of a run: see journal.ts. */
export const RUN_JOURNAL: JournalKind<JournalRecord> = {
  format: 'kgetplus.journal/2',
  record: journalRecord,
  isUnsynced: ({ type }) => UNSYNCED.has(type),
  hasUnchecked: true,
  title: "the run's journal",
  whenDamaged:
    'they say which nodes were released and where the only copies of images are. Put a good ' +
    'copy of the file there, or give the run up with gather --fresh, which asks every node again',
  whenLater: 'finish this run with the Kget+ that began it, or give it up with gather --fresh',
};
