import { InvalidArgumentError, type Command } from 'commander';
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { KgetError, toFailure } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import { createOpenFiles } from '../content/open-files.ts';
import type { DeployedFile } from '../control/host-calls.ts';
import { hashFile } from '../host/cache/hash-file.ts';
import { readJobFile } from '../job/job-file.ts';
import type { JobSpec } from '../job/job-spec.ts';
import { jobId } from '../job/record/job-id.ts';
import { beginJobJournal } from '../job/record/job-journal.ts';
import type { JobImage } from '../job/record/job-record.ts';
import { makeJobDirectory } from '../job/record/jobs.ts';
import { findImage } from '../machine-image/find-image.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import type { StorePlace } from '../store/store-place.ts';
import { VM_CHUNK_BYTES } from './collect-files.ts';
import { EXIT } from './exit-code.ts';
import { accessOf, addAccessOptions, type AccessOptions } from './host-access.ts';
import { packInputs } from './job-archives.ts';
import { driveJob, type DrivenJob } from './job-drive.ts';
import { nodeSetFiles } from './nodes.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
JOB.yaml says what runs where: docs/jobs.md is its reference. The command stays until the job has
ended, its outputs are here and its nodes are given back. Interrupted, or with --detach, the job goes
on in its machines: "kgetplus job wait" takes it up again.

Examples:
  kgetplus job submit job.yaml --store /srv/snapshots
  kgetplus job submit job.yaml --dry-run
  kgetplus job submit job.yaml --detach --on-release 'oardel --host {node}'

Exit status:
  0 every command ended with 0; 3 some did not; 4 none did; 2 wrong use; 130 interrupted`;

const MAX_BOOTING = 10_000;
const DEFAULT_BOOTING = 64;

interface SubmitOptions extends StoreOption, AccessOptions {
  readonly onRelease?: string;
  readonly booting: number;
  readonly detach: boolean;
  readonly dryRun: boolean;
}

/** Declares `job submit`. */
export function addJobSubmit(job: Command, system: System): void {
  const command = job
    .command('submit')
    .summary('run a job in virtual machines')
    .description('Deploys an image to nodes, starts machines there, runs a command in each.')
    .argument('<file>', 'job file, YAML');
  addStoreOption(command);
  addAccessOptions(command)
    .option('--on-release <cmd>', 'run on this host for each released node ({node} is replaced)')
    .option('--booting <n>', 'machines that boot at once', booting, DEFAULT_BOOTING)
    .option('--detach', 'return when the job is noted, and drive it in the background', false)
    .option('--dry-run', 'check the job file and the image, and do nothing', false)
    .addHelpText('after', ABOUT)
    .action(async (file: string, options: SubmitOptions) => {
      system.setExitCode(await submit(file, options, system));
    });
}

async function submit(file: string, options: SubmitOptions, system: System): Promise<number> {
  const place = storeAt(options, system);
  const text = readText(file);
  const directory = dirname(resolve(file));
  const spec = readJobFile({ text, file, directory, nodeSets: nodeSetFiles(system) });
  const image = imageFor(spec, place);
  if (options.dryRun) {
    system.stdout.write(
      `${spec.nodes.length * spec.vmsPerNode} machines on ${foldNodeSet(spec.nodes)} from ` +
        `${image.name} (${image.id.slice(0, 12)}), ${formatSize(spec.memoryBytes)} each; ` +
        'nothing was done\n',
    );
    return EXIT.ok;
  }
  const driven = await note({ place, text, spec, image, options }, system);
  if (!options.detach) {
    system.stderr.write(`Job ${driven.job}\n`);
    return await driveJob(driven, system);
  }
  const pid = driveDetached(driven, system);
  system.stdout.write(`${driven.job}\n`);
  system.stderr.write(`Driven by process ${pid}; its words: ${supervisorLog(driven)}\n`);
  return EXIT.ok;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new KgetError('usage', `Cannot read job file ${file}: ${toFailure(error).message}`, {
      cause: error,
    });
  }
}

/** @throws KgetError `usage` for an image that no job can run in */
function imageFor(spec: JobSpec, place: StorePlace): JobImage {
  const { image } = findImage(place, spec.image);
  if (image.hasJobRunner) return image;
  throw new KgetError(
    'usage',
    `Cannot run a job in image ${image.name}: it has no job runner; build one with ` +
      'kgetplus image build, which puts it in',
  );
}

interface Submission {
  readonly place: StorePlace;
  readonly text: string;
  readonly spec: JobSpec;
  readonly image: JobImage;
  readonly options: SubmitOptions;
}

/** Notes the job durably: from then on it can be taken up by `job wait`. */
async function note(
  { place, text, spec, image, options }: Submission,
  system: System,
): Promise<DrivenJob> {
  const at = new Date();
  const job = jobId(spec.name, { at, entropy: system.entropy });
  const directory = await makeJobDirectory(place.directory, { job, text });
  const { id, name, arch, format, boot, parts } = image;
  const journal = beginJobJournal(directory, {
    type: 'submitted',
    job,
    at: at.toISOString(),
    spec,
    access: {
      ...accessOf(options),
      onRelease: options.onRelease ?? null,
      booting: options.booting,
    },
    image: { id, name, arch, format, boot, parts },
    inputs: await packedInputs(spec, directory, system.interrupt),
    command: [...system.commandLine],
    user: userInfo().username,
    host: hostname(),
  });
  journal.close();
  return { place, job, directory };
}

async function packedInputs(
  { inputs }: JobSpec,
  directory: string,
  signal: AbortSignal,
): Promise<DeployedFile | null> {
  if (inputs.length === 0) return null;
  const path = await packInputs(inputs, { directory, signal });
  const files = createOpenFiles();
  try {
    const { digest, image } = await hashFile({
      path,
      indexPath: `${path}.caibx`,
      chunkSizeBytes: VM_CHUNK_BYTES,
      files,
      signal,
    });
    return { digest, sizeBytes: image.shape.sizeBytes };
  } finally {
    files.close();
  }
}

function supervisorLog({ directory }: DrivenJob): string {
  return join(directory, 'supervisor.log');
}

/** Has another process drive the job, which goes on when this one is gone; its id. */
function driveDetached(driven: DrivenJob, { ownCommand }: System): number | undefined {
  const log = openSync(supervisorLog(driven), 'a', 0o600);
  const [program, ...words] = ownCommand;
  const wait = ['job', 'wait', driven.job, '--store', driven.place.directory];
  const child = spawn(program, [...words, ...wait], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  child.unref();
  return child.pid;
}

function booting(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_BOOTING) return count;
  throw new InvalidArgumentError(`Wanted a whole number from 1 to ${MAX_BOOTING}.`);
}
