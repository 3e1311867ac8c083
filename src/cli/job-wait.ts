import type { Command } from 'commander';
import { writeFileSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import { chooseJob } from '../job/record/job-id.ts';
import { readJob } from '../job/record/job-journal.ts';
import { phaseOf, type JobState } from '../job/record/job-state.ts';
import { jobDirectory, jobIds } from '../job/record/jobs.ts';
import { cancelWish, driveJob, type DrivenJob } from './job-drive.ts';
import { EXIT } from './exit-code.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT_WAIT = `
Drives the job if no other process does: after Ctrl-C, or a crash of this host, it finds out from the
nodes what has become of its machines, and goes on.

Exit status: as of job submit`;

const ABOUT_CANCEL = `
Machines are told to power off, and ended if they do not; outputs that are complete are gathered.
Machines that were kept are ended so, too.`;

/** How often a job is looked at that another process drives. */
const POLL_MS = 500;

/** Declares `job wait`. */
export function addJobWait(job: Command, system: System): void {
  const command = job
    .command('wait')
    .summary('wait for the end of a job, and drive it there')
    .description('Waits until a job has ended, its outputs are here and its nodes given back.')
    .argument('<job>', 'which one');
  addStoreOption(command)
    .addHelpText('after', ABOUT_WAIT)
    .action(async (text: string, options: StoreOption) => {
      system.setExitCode(await driveOrFollow(jobAt(text, options, system), system));
    });
}

/** Declares `job cancel`. */
export function addJobCancel(job: Command, system: System): void {
  const command = job
    .command('cancel')
    .summary('end a job, and what is kept of one')
    .description('Ends the machines of a job, and removes all of it from its nodes.')
    .argument('<job>', 'which one');
  addStoreOption(command)
    .addHelpText('after', ABOUT_CANCEL)
    .action(async (text: string, options: StoreOption) => {
      const driven = jobAt(text, options, system);
      const phase = phaseOf(stateOf(driven));
      if (phase === 'finished') {
        throw new KgetError('usage', `Cannot cancel ${driven.job}: it has ended, nothing is left`);
      }
      writeFileSync(cancelWish(driven.directory), '', { mode: 0o600 });
      const code = await driveOrFollow(driven, system);
      // That its commands did not end with 0 is what was asked for.
      const isOver = code === EXIT.someMissing || code === EXIT.noneArrived;
      system.setExitCode(isOver ? EXIT.ok : code);
    });
}

/** The job that a text stands for. @throws KgetError `usage` */
function jobAt(text: string, options: StoreOption, system: System): DrivenJob {
  const place = storeAt(options, system);
  const job = chooseJob(text, jobIds(place.directory));
  return { place, job, directory: jobDirectory(place.directory, job) };
}

/** @throws KgetError `usage` for a job whose submission broke off; `corrupt`, `version` */
export function stateOf({ job, directory }: DrivenJob): JobState {
  const state = readJob(directory);
  if (state !== undefined) return state;
  throw new KgetError(
    'usage',
    `Cannot use job ${job}: its submission broke off, and nothing of it is on any node; submit it ` +
      `again, and remove ${directory}`,
  );
}

/** Drives the job, or waits while another process does; takes it up when that is gone. */
async function driveOrFollow(driven: DrivenJob, system: System): Promise<number> {
  const { clock, interrupt, stderr } = system;
  let isTold = false;
  for (;;) {
    try {
      return await driveJob(driven, system);
    } catch (error) {
      if (!(error instanceof KgetError) || error.code !== 'locked') throw error;
      if (!isTold) stderr.write(`Another process drives ${driven.job}; waiting for it\n`);
      isTold = true;
    }
    await clock.sleep(POLL_MS, interrupt);
    if (interrupt.aborted) return EXIT.interrupted;
  }
}
