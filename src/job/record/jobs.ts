import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode, toFailure } from '../../base/error.ts';
import { makeDirectory, replaceFile } from '../../content/durable.ts';
import { storeFailure } from '../../content/room.ts';
import { isJobId } from './job-id.ts';
import { readJob } from './job-journal.ts';
import type { JobState } from './job-state.ts';

/** Where the jobs of a store are, each in a directory that is called by its id. */
export function jobsDirectory(store: string): string {
  return join(store, 'jobs');
}

export function jobDirectory(store: string, job: string): string {
  return join(jobsDirectory(store), job);
}

/** The job file, as it was submitted. */
export function jobFilePath(directory: string): string {
  return join(directory, 'job.yaml');
}

/**
 * Makes the directory of a new job with its job file in it, durably; its path.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export async function makeJobDirectory(
  store: string,
  { job, text }: { readonly job: string; readonly text: string },
): Promise<string> {
  const directory = jobDirectory(store, job);
  try {
    await makeDirectory(directory);
    await replaceFile(jobFilePath(directory), text);
  } catch (error) {
    throw storeFailure(error, { title: `job ${job}`, directory: store, neededBytes: text.length });
  }
  return directory;
}

/** A job of a store, or why nothing is known of it. */
export type ListedDirectory =
  | { readonly directory: string; readonly state: JobState; readonly problem: null }
  | { readonly directory: string; readonly state: null; readonly problem: string };

/** All jobs of a store, the oldest first; a store without jobs has none. */
export function listJobs(store: string): readonly ListedDirectory[] {
  return jobIds(store).map((job) => tellJob(jobDirectory(store, job)));
}

/** The ids of all jobs of a store, the oldest first. */
export function jobIds(store: string): readonly string[] {
  try {
    return readdirSync(jobsDirectory(store))
      .filter(isJobId)
      .toSorted((one, other) => compare(idTime(one), idTime(other)) || compare(one, other));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return [];
    const found = toFailure(error).message;
    throw new KgetError('source-unreadable', `Cannot list the jobs of ${store}: ${found}`, {
      cause: error,
    });
  }
}

function tellJob(directory: string): ListedDirectory {
  try {
    const state = readJob(directory);
    if (state !== undefined) return { directory, state, problem: null };
    return { directory, state: null, problem: 'its submission broke off' };
  } catch (error) {
    return { directory, state: null, problem: toFailure(error).message };
  }
}

/** When it was submitted, to the second, and what tells jobs of one second apart. */
function idTime(id: string): string {
  return id.slice(-'20260131T235959Z-1a2b'.length);
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
