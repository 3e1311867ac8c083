import { join } from 'node:path';
import { openRecords, readRecords } from '../../coordinator/journal-file.ts';
import type { JournalKind } from '../../coordinator/journal-kind.ts';
import { KgetError } from '../../base/error.ts';
import { foldJob, jobFold, type JobFold } from './fold-job.ts';
import { jobRecord, type JobRecord } from './job-record.ts';
import type { JobState } from './job-state.ts';

/**
 * Records that need not be durable by themselves: until `ended` their nodes tell the same, and the
 * next record that is synced takes them along.
 */
const UNSYNCED: ReadonlySet<JobRecord['type']> = new Set([
  'deployed',
  'created',
  'started',
  'shut-down',
]);

/** The journal of a job; docs/formats.md describes the file. */
export const JOB_JOURNAL: JournalKind<JobRecord> = {
  format: 'kgetplus.job-journal/1',
  record: jobRecord,
  isUnsynced: ({ type }) => UNSYNCED.has(type),
  hasUnchecked: false,
  title: "the job's journal",
  whenDamaged:
    'they say where its machines are and which of them have ended. Put a good copy of the file ' +
    'there, or cut it off before that line, and let the nodes tell the rest',
  whenLater: 'use the Kget+ that submitted this job',
};

/** A job whose journal is open; one process has it at a time. */
export interface JobJournal {
  /** As the records tell it until now. */
  state(): JobState;
  /**
   * Notes something; what follows may rely on it.
   * @throws KgetError `no-room`, `target-unwritable`: then it is not noted
   */
  append(record: JobRecord): void;
  close(): void;
}

/** The journal of the job in a directory. */
export function journalPath(directory: string): string {
  return join(directory, 'journal.jsonl');
}

/**
 * What is known of the job in a directory; undefined if it was never submitted: its command broke
 * off before. @throws KgetError `corrupt`, `version`
 */
export function readJob(directory: string): JobState | undefined {
  return foldJob(readRecords(journalPath(directory), JOB_JOURNAL).records);
}

/**
 * Opens the journal of a job that was submitted; a torn end is cut off.
 * @throws KgetError as `readJob`, and `no-room`, `target-unwritable`
 */
export function openJobJournal(directory: string): JobJournal {
  const path = journalPath(directory);
  const { records, goodBytes } = readRecords(path, JOB_JOURNAL);
  const [first, ...others] = records;
  if (first?.type !== 'submitted') {
    throw new KgetError(
      'corrupt',
      `Cannot take up the job of ${path}: its submission broke off, and nothing of it is on any ` +
        'node; submit it again',
    );
  }
  const fold = jobFold(first);
  for (const record of others) fold.apply(record);
  return journalOf(openRecords({ path, keepBytes: goodBytes }, JOB_JOURNAL), fold);
}

/**
 * Begins the journal of a job, durably, in its directory.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export function beginJobJournal(
  directory: string,
  submitted: Extract<JobRecord, { type: 'submitted' }>,
): JobJournal {
  const file = openRecords({ path: journalPath(directory), keepBytes: 0 }, JOB_JOURNAL);
  try {
    file.append(submitted);
  } catch (error) {
    file.close();
    throw error;
  }
  return journalOf(file, jobFold(submitted));
}

function journalOf(file: ReturnType<typeof openRecords<JobRecord>>, fold: JobFold): JobJournal {
  return {
    state: () => fold.state(),
    append(record) {
      file.append(record);
      fold.apply(record);
    },
    close: () => file.close(),
  };
}
