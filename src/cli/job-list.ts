import type { Command } from 'commander';
import { KgetError } from '../base/error.ts';
import { chooseJob } from '../job/record/job-id.ts';
import { readJob } from '../job/record/job-journal.ts';
import { jobDirectory, jobIds, listJobs } from '../job/record/jobs.ts';
import { renderJobsText } from '../report/job-list-text.ts';
import type { JobListing, ShownJob } from '../report/job-listing.ts';
import { renderJobText } from '../report/job-show-text.ts';
import { listedJob, shownJob } from './job-facts.ts';
import { jobDriver } from './job-lock.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT_SHOW = `
JOB is a job's id, the beginning of it, or "latest".

Examples:
  kgetplus job show latest --store /srv/snapshots
  kgetplus job show count-2026 --json`;

interface ViewOptions extends StoreOption {
  readonly json: boolean;
}

/** Declares `job ls`. */
export function addJobLs(job: Command, system: System): void {
  const command = job
    .command('ls')
    .summary('list the jobs of a store')
    .description('Lists the jobs of a store, how far they are and how they ended.');
  addStoreOption(command)
    .option('--json', 'print the list as JSON', false)
    .action((options: ViewOptions) => {
      const listing = listingOf(storeAt(options, system).directory);
      write(system, options.json ? jsonText(listing) : renderJobsText(listing));
    });
}

/** Declares `job show`. */
export function addJobShow(job: Command, system: System): void {
  const command = job
    .command('show')
    .summary('show all that is known of a job')
    .description('Shows what a job is, where its machines are and what became of them.')
    .argument('<job>', 'which one');
  addStoreOption(command)
    .option('--json', 'print it as JSON', false)
    .addHelpText('after', ABOUT_SHOW)
    .action((text: string, options: ViewOptions) => {
      const shown = showJob(text, storeAt(options, system).directory);
      write(system, options.json ? jsonText(shown) : renderJobText(shown));
    });
}

function listingOf(store: string): JobListing {
  const jobs = listJobs(store).map((found) => listedJob(found, jobDriver(found.directory)));
  return { schema: 'kgetplus.jobs/1', store, jobs };
}

function showJob(text: string, store: string): ShownJob {
  const id = chooseJob(text, jobIds(store));
  const directory = jobDirectory(store, id);
  const state = readJob(directory);
  if (state === undefined) {
    throw new KgetError(
      'usage',
      `Cannot show the job ${id}: its submission broke off, and nothing of it is on any node; ` +
        `submit it again, and remove ${directory}`,
    );
  }
  return shownJob(state, { store, directory, driver: jobDriver(directory) });
}

function jsonText(value: JobListing | ShownJob): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function write({ stdout }: System, text: string): void {
  stdout.write(text);
}
