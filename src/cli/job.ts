import type { Command } from 'commander';
import { addJobLs, addJobShow } from './job-list.ts';
import { addJobLogs } from './job-logs.ts';
import { addJobSubmit } from './job-submit.ts';
import { addJobCancel, addJobWait } from './job-wait.ts';
import type { System } from './system.ts';

/** Declares `job` and its commands. */
export function addJob(program: Command, system: System): void {
  const job = program
    .command('job')
    .summary('run jobs in virtual machines')
    .description('Runs jobs in virtual machines on nodes: see docs/vmdeploy.md.');
  for (const add of [addJobSubmit, addJobLs, addJobShow, addJobLogs, addJobWait, addJobCancel]) {
    add(job, system);
  }
  for (const own of job.commands) {
    own.exitOverride().showHelpAfterError(`(try kgetplus job ${own.name()} --help)`);
  }
}
