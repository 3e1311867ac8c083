import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openJobJournal, type JobJournal } from '../job/record/job-journal.ts';
import type { JobState } from '../job/record/job-state.ts';
import { knownJob, partsOf } from '../job/record/known-job.ts';
import type { JobPorts } from '../job/run/ports.ts';
import { runJob, type JobEnd } from '../job/run/run-job.ts';
import type { StorePlace } from '../store/store-place.ts';
import { EXIT } from './exit-code.ts';
import { collectForJob } from './job-collect.ts';
import { jobFrontend } from './job-frontend.ts';
import { lockJob } from './job-lock.ts';
import { releaseHook } from './release-hook.ts';
import type { System } from './system.ts';
import { crewOfJob } from './vm-crew.ts';

export interface DrivenJob {
  readonly place: StorePlace;
  readonly job: string;
  /** Of the job: its journal, its inputs, its outputs. */
  readonly directory: string;
}

/**
 * Drives a job that was submitted to its end, from wherever it is, and says how it went; the exit
 * code. One process at a time can. @throws KgetError `locked`, `corrupt`
 */
export async function driveJob(driven: DrivenJob, system: System): Promise<number> {
  const { directory, job } = driven;
  using _lock = lockJob(directory, job);
  const journal = openJobJournal(directory);
  try {
    const end = await takeUp(driven, journal, system);
    tellEnd(end, driven, system);
    return exitCodeOfEnd(end, journal.state());
  } finally {
    journal.close();
  }
}

/** A node whose host agent was lost while the job ended is there again, perhaps. */
const MAX_DRIVES = 2;

/** How far the wish to cancel a job has got is told by its journal; the wish itself by this file. */
export function cancelWish(directory: string): string {
  return join(directory, 'cancel');
}

/** Where the log of a machine is kept, once its job has ended. */
export function logPath(directory: string, vm: string, source: 'command' | 'console'): string {
  return join(directory, 'logs', `${vm}.${source === 'command' ? 'log' : 'console'}`);
}

async function takeUp(driven: DrivenJob, journal: JobJournal, system: System): Promise<JobEnd> {
  const state = journal.state();
  if (state.finished !== null && !isToBeEnded(state, driven)) {
    return { state: state.finished.state, kept: state.finished.kept };
  }
  for (let tries = 1; ; tries += 1) {
    const now = journal.state();
    const ports = await portsOf(driven, journal, system);
    const end = await runJob(partsOf(now), knownJob(now), ports);
    if (end.state !== 'held-up' || tries === MAX_DRIVES) return end;
    system.stderr.write(`Not finished on ${[...end.left.keys()].join(', ')}: tried once more\n`);
  }
}

/** Machines were kept, and are to go now. */
function isToBeEnded({ finished, released, spec }: JobState, { directory }: DrivenJob): boolean {
  const isLeft = spec.nodes.some((node) => !released.has(node));
  return finished?.kept === true && isLeft && existsSync(cancelWish(directory));
}

async function portsOf(driven: DrivenJob, journal: JobJournal, system: System): Promise<JobPorts> {
  const { directory, place } = driven;
  const { access } = journal.state();
  const { clock, interrupt: signal } = system;
  const crew = await crewOfJob(journal.state(), directory, system);
  const say = (text: string): void => {
    system.stderr.write(`${text}\n`);
  };
  const hook = access.onRelease === null ? undefined : releaseHook(access.onRelease);
  return {
    clock,
    booting: access.booting,
    signal,
    isCancelled: () => existsSync(cancelWish(directory)),
    connect: (nodes) => crew.start(nodes, signal),
    reconnect: (node) => crew.startOne(node, signal),
    ...jobFrontend(driven, { journal, crew, system }),
    collect: (wanted) => collectForJob(wanted, { place, directory, reach: access }, system),
    release: async (node) => await hook?.(node),
    keepLog(vm, source, text) {
      const file = logPath(directory, vm, source);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    },
    record: (record) => journal.append(record),
    say,
    now: () => new Date().toISOString(),
  };
}

function tellEnd(end: JobEnd, { job, directory }: DrivenJob, system: System): void {
  const { stderr, stdout } = system;
  switch (end.state) {
    case 'interrupted':
      stderr.write(
        `Interrupted: the job goes on in its machines. kgetplus job wait ${job} takes it up again, ` +
          `kgetplus job cancel ${job} ends it\n`,
      );
      return;
    case 'held-up':
      for (const [node, { message }] of end.left) stderr.write(`Left on ${node}: ${message}\n`);
      stderr.write(`Not finished: kgetplus job wait ${job} tries again\n`);
      return;
    case 'succeeded':
    case 'failed':
    case 'cancelled': {
      const kept = end.kept ? '; its machines are kept until kgetplus job cancel' : '';
      stdout.write(`${job} ${end.state}${kept}\n`);
      if (existsSync(join(directory, 'outputs'))) {
        stderr.write(`Outputs: ${join(directory, 'outputs')}\n`);
      }
    }
  }
}

/** 0: all commands ended with 0; 3: some did not; 4: none did; 130: taken up again later. */
function exitCodeOfEnd(end: JobEnd, { vms }: JobState): number {
  if (end.state === 'interrupted') return EXIT.interrupted;
  if (end.state === 'succeeded') return EXIT.ok;
  const outcomes = [...vms.values()].map(({ outcome }) => outcome);
  const hasSuccess = outcomes.some((it) => it?.kind === 'exit' && it.status === 0);
  return hasSuccess ? EXIT.someMissing : EXIT.noneArrived;
}
