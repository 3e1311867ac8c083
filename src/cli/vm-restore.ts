import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { KgetError } from '../base/error.ts';
import type { DeployedFile, VmDescription } from '../control/host-calls.ts';
import { jobDirectory } from '../job/record/jobs.ts';
import { readImages } from '../machine-image/images.ts';
import type { StorePlace } from '../store/store-place.ts';
import { readChunksOf } from './chunk-reading.ts';
import { VM_CHUNK_BYTES } from './collect-files.ts';
import { deployFailures, deployFrom, deploymentText, type FrontendFile } from './deployment.ts';
import { EXIT } from './exit-code.ts';
import { accessOf, addAccessOptions, type AccessOptions } from './host-access.ts';
import { hostCrew } from './host-crew.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { readVmSnapshots, type VmSnapshot } from './vm-snapshots.ts';

const ABOUT = `
RUN is a run of the store that "vm snapshot", "gather --vms" or the end of a job has made. Its machines,
or just one of them, are made again on NODE from the store; those with memory are paused where they were
when the snapshot was taken, and go on at once unless --paused is given. A machine with a new name is none
of its job any more; kgetplus vm -w NODE has the commands for it.

Examples:
  kgetplus vm restore latest --to node09 --store /srv/snapshots
  kgetplus vm restore latest/node02/count-20261123T101500Z-ab12.2 --to node09 --name second-look`;

/** From the files to a machine: its memory is read. */
const RESTORE_LIMIT_MS = 10 * 60_000;
const RESUME_LIMIT_MS = 60_000;

interface RestoreOptions extends StoreOption, AccessOptions {
  readonly to: string;
  readonly name?: string;
  readonly hypervisor: 'qemu' | 'libvirt';
  readonly paused: boolean;
}

/** Declares `vm restore`. */
export function addVmRestore(vm: Command, system: System): void {
  const command = vm
    .command('restore')
    .summary('make machines again from their snapshots')
    .description('Makes machines again on a node from snapshots in the store.')
    .argument('<run[/node[/vm]]>', 'a run, or one machine of it')
    .requiredOption('--to <node>', 'where they are to run');
  addStoreOption(command);
  addAccessOptions(command)
    .option('--name <name>', 'call the machine otherwise than it was')
    .addOption(
      new Option('--hypervisor <kind>', 'what is to run them')
        .choices(['qemu', 'libvirt'])
        .default('qemu'),
    )
    .option('--paused', 'leave machines with memory paused, and others not started', false)
    .addHelpText('after', ABOUT)
    .action(async (selector: string, options: RestoreOptions) => {
      await restoreAll(selector, options, system);
      system.setExitCode(EXIT.ok);
    });
}

async function restoreAll(
  selector: string,
  options: RestoreOptions,
  system: System,
): Promise<void> {
  const place = storeAt(options, system);
  const { interrupt: signal } = system;
  await using chunks = readChunksOf(place, system);
  const snapshots = await readVmSnapshots(selector, { place, chunks });
  if (options.name !== undefined && snapshots.length > 1) {
    const found = `${snapshots.length} machines found`;
    throw new KgetError('usage', `Cannot call ${selector} "${options.name}": ${found}, wanted one`);
  }
  const files = [...new Set(snapshots.flatMap((snapshot) => filesFor(snapshot, place)))];
  const crew = await hostCrew(
    {
      reach: accessOf(options),
      hypervisor: options.hypervisor,
      chunkSizeBytes: VM_CHUNK_BYTES,
      workDirectory: join(place.directory, 'jobs', '.frontend'),
    },
    system,
  );
  const host = await crew.startOne(options.to, signal);
  try {
    const frontend = await crew.startFrontend(signal);
    try {
      const report = await deployFrom(frontend, { files, place, hosts: [host], signal }, system);
      system.stderr.write(deploymentText(report));
      const failure = deployFailures(report).get(host.node);
      if (failure !== undefined) throw new KgetError(failure.code, failure.message);
    } finally {
      frontend.caller.close();
    }
    for (const snapshot of snapshots) {
      const { description, name } = named(snapshot.description, options.name);
      const disks = Object.fromEntries([...snapshot.disks].map(([disk, it]) => [disk, it.file]));
      const request = { description, disks, memory: snapshot.memory?.file ?? null };
      await host.caller.call('restore', request, { limitMs: RESTORE_LIMIT_MS, signal });
      if (!options.paused) {
        const go = snapshot.memory === null ? 'start' : 'resume';
        await host.caller.call(go, { vm: name }, { limitMs: RESUME_LIMIT_MS, signal });
      }
      const state = options.paused ? 'is there' : 'goes on';
      system.stdout.write(`${name} ${state} on ${host.node}\n`);
    }
  } finally {
    host.caller.close();
  }
}

function named(
  description: VmDescription,
  wished: string | undefined,
): { readonly description: VmDescription; readonly name: string } {
  const { wanted } = description;
  if (wished === undefined) return { description, name: wanted.name };
  // It is no machine of its job any more: what becomes of that does not concern it.
  const own = { ...wanted, name: wished, job: wished };
  return { description: { ...description, wanted: own }, name: wished };
}

/** What the machine is made from: its snapshot, and what it starts from besides its disk. */
function filesFor({ description, disks, memory }: VmSnapshot, place: StorePlace): FrontendFile[] {
  const { wanted } = description;
  const { boot, task } = wanted;
  const booting = boot.kind === 'disk' ? [] : [boot.kernel, boot.initramfs];
  const others = [...booting, task?.inputs ?? null].filter((file) => file !== null);
  const own = [...disks.values(), ...(memory === null ? [] : [memory])];
  return [...own, ...others.map((file) => findFile(file, wanted.job, place))];
}

/** A file of an image, or the inputs of a job. @throws KgetError `no-match` */
function findFile(file: DeployedFile, job: string, place: StorePlace): FrontendFile {
  for (const stored of readImages(place).images) {
    const part = stored.image.parts.find(({ digest }) => digest === file.digest);
    if (part !== undefined) return { kind: 'stored', file, indexPath: stored.indexPathOf(part) };
  }
  const inputs = join(jobDirectory(place.directory, job), 'inputs.tar');
  if (existsSync(inputs)) return { kind: 'file', file, path: inputs };
  throw new KgetError(
    'no-match',
    `Cannot restore a machine of job ${job}: the file ${file.digest.slice(0, 12)} that it boots from ` +
      `is not in ${place.directory}; import the image of the job again`,
  );
}
