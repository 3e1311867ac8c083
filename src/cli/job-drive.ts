import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { filesOf } from '../job/run/want-vm.ts';
import { openJobJournal, type JobJournal } from '../job/record/job-journal.ts';
import type { JobState } from '../job/record/job-state.ts';
import { knownJob, partsOf } from '../job/record/known-job.ts';
import type { Collected, Collection, JobPorts } from '../job/run/ports.ts';
import { runJob, type JobEnd } from '../job/run/run-job.ts';
import { readImages } from '../machine-image/images.ts';
import type { StorePlace } from '../store/store-place.ts';
import { collectFiles } from './collect-files.ts';
import { deployFrom, type FrontendFile } from './deployment.ts';
import { EXIT } from './exit-code.ts';
import { unpackOutputs } from './job-archives.ts';
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
  const told = knownJob(state);
  const isCancelled = told.isCancelled || existsSync(cancelWish(driven.directory));
  const known = { ...told, isCancelled };
  return await runJob(partsOf(state), known, await portsOf(driven, journal, system));
}

/** Machines were kept, and are to go now. */
function isToBeEnded({ finished, released, spec }: JobState, { directory }: DrivenJob): boolean {
  const isLeft = spec.nodes.some((node) => !released.has(node));
  return finished?.kept === true && isLeft && existsSync(cancelWish(directory));
}

async function portsOf(driven: DrivenJob, journal: JobJournal, system: System): Promise<JobPorts> {
  const { directory, place } = driven;
  const { access, job } = journal.state();
  const { clock, interrupt: signal, entropy } = system;
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
    async deploy(_files, hosts) {
      const files = frontendFiles(journal.state(), driven);
      const frontend = await crew.startFrontend(signal);
      try {
        const onSettled = journalOfDeployment(journal);
        const work = { files, store: place.directory, hosts, signal, onSettled };
        return await deployFrom(frontend, work, system);
      } finally {
        frontend.caller.close();
      }
    },
    collect: (wanted) => collect(wanted, { ...driven, reach: access }, system),
    release: async (node) => await hook?.(node),
    keepLog(vm, source, text) {
      const file = logPath(directory, vm, source);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    },
    record: (record) => journal.append(record),
    say,
    now: () => new Date().toISOString(),
    cutName: () => `${job}-${entropy.hex(3)}`,
  };
}

function journalOfDeployment(journal: JobJournal) {
  return (settled: {
    readonly node: string;
    readonly wireBytes: number;
    readonly seconds: number;
    readonly failure?: unknown;
  }): void => {
    const { node, wireBytes, seconds, failure } = settled;
    if (failure !== undefined) return;
    journal.append({ type: 'deployed', node, wireBytes, seconds });
  };
}

/** Where the files of a job are here: parts of its image in the store, its inputs beside it. */
function frontendFiles(state: JobState, { place, directory }: DrivenJob): FrontendFile[] {
  const { job, image, inputs } = state;
  const { images } = readImages(place);
  const indexes = new Map(
    images.flatMap((stored) =>
      stored.image.parts.map((part) => [part.digest, stored.indexPathOf(part)] as const),
    ),
  );
  return filesOf(partsOf(state)).map((file): FrontendFile => {
    if (file.digest === inputs?.digest) {
      return { kind: 'file', file, path: join(directory, 'inputs.tar') };
    }
    const indexPath = indexes.get(file.digest);
    if (indexPath !== undefined) return { kind: 'stored', file, indexPath };
    throw new KgetError(
      'no-match',
      `Cannot deploy image ${image.name} of job ${job}: it is not in ${place.directory} any more; ` +
        'import it again, and kgetplus job wait goes on',
    );
  });
}

async function collect(
  { kind, nodes, patterns, onEmptied }: Collection,
  driven: DrivenJob & { readonly reach: JobState['access'] },
  system: System,
): Promise<Collected> {
  const { place, directory, reach } = driven;
  const outputs = join(directory, 'outputs');
  const isFiles = kind === 'outputs';
  const { report, outcome } = await collectFiles(
    {
      nodes,
      patterns,
      directory: isFiles ? outputs : place.directory,
      layout: isFiles ? 'files' : 'store',
      reach,
      onEmptied,
    },
    system,
  );
  const images = [...outcome.facts.images.values()];
  const late = images.filter(({ state }) => state !== 'safe').map(({ node }) => node);
  const unseen = nodes.filter((node) => !images.some((image) => image.node === node));
  if (!isFiles) return { place: report.run, missing: [...new Set([...late, ...unseen])] };
  for (const { node, path, state } of images) {
    if (state !== 'safe') continue;
    const archive = join(outputs, node, basename(path));
    const vm = basename(path).replace(/-outputs\.tar$/, '');
    await unpackOutputs(vm, { archive, directory: outputs, signal: system.interrupt });
  }
  return { place: outputs, missing: [...new Set([...late, ...unseen])] };
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
