import type { DeployedFile, WantedVm } from '../control/host-calls.ts';
import { INPUT_DISK, JOB_DISK, LOG_PORT, OUTPUT_DISK, STATUS_PORT } from '../guest/protocol.ts';
import type { VmBoot, VmDisk, VmSpec } from '../hypervisor/vm-spec.ts';
import type { MachinePaths } from './node-place.ts';

/** The disk that a machine boots from: its name in snapshots. */
export const ROOT_DISK = 'root';

export interface CompositionOptions {
  readonly wanted: WantedVm;
  readonly paths: MachinePaths;
  /** Where a file lies here, by its digest. */
  pathOf(digest: string): string;
}

/** The machine that is wanted, as it is on this host. */
export function composeSpec({ wanted, paths, pathOf }: CompositionOptions): VmSpec {
  return {
    name: wanted.name,
    arch: wanted.arch,
    cpus: wanted.cpus,
    memoryBytes: wanted.memoryBytes,
    boot: bootOf(wanted.boot, pathOf),
    disks: [rootDisk(wanted.disk, pathOf), ...taskDisks(wanted.task, { paths, pathOf })],
    channels: [
      { kind: 'file', name: STATUS_PORT, path: paths.status },
      { kind: 'file', name: LOG_PORT, path: paths.log },
      { kind: 'guest-agent' },
    ],
    consolePath: paths.console,
    network: wanted.network,
  };
}

/** The files that must be here before the machine can be made. */
export function neededFiles(wanted: WantedVm): readonly DeployedFile[] {
  const { disk } = wanted;
  return usedFiles(wanted).filter((file) => disk.nbdUrl === null || file !== disk.file);
}

/** The files that a machine reads, or will as soon as they are here. */
export function usedFiles({ boot, disk, task }: WantedVm): readonly DeployedFile[] {
  const files = [
    boot.kind === 'kernel' ? boot.kernel : null,
    boot.kind === 'kernel' ? boot.initramfs : null,
    disk.file,
    task?.inputs ?? null,
  ];
  return files.filter((file) => file !== null);
}

function bootOf(boot: WantedVm['boot'], pathOf: CompositionOptions['pathOf']): VmBoot {
  if (boot.kind === 'disk') return boot;
  return {
    kind: 'kernel',
    kernel: pathOf(boot.kernel.digest),
    initramfs: boot.initramfs && pathOf(boot.initramfs.digest),
    commandLine: boot.commandLine,
  };
}

function rootDisk(
  { file, format, nbdUrl }: WantedVm['disk'],
  pathOf: CompositionOptions['pathOf'],
): VmDisk {
  const base =
    nbdUrl === null
      ? { kind: 'file' as const, path: pathOf(file.digest), format }
      : { kind: 'nbd' as const, url: nbdUrl, format };
  return { name: ROOT_DISK, access: 'copy-on-write', base };
}

function taskDisks(
  task: WantedVm['task'],
  { paths, pathOf }: Pick<CompositionOptions, 'paths' | 'pathOf'>,
): VmDisk[] {
  if (task === null) return [];
  const disks: VmDisk[] = [
    { name: JOB_DISK, access: 'read-only', path: paths.job, format: 'raw' },
    { name: OUTPUT_DISK, access: 'read-write', path: paths.outputs, format: 'raw' },
  ];
  if (task.inputs === null) return disks;
  const path = pathOf(task.inputs.digest);
  return [...disks, { name: INPUT_DISK, access: 'read-only', path, format: 'raw' }];
}
