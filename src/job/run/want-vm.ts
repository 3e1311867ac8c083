import { assert } from '../../base/assert.ts';
import type { DeployedFile, WantedVm } from '../../control/host-calls.ts';
import type { JobSpec } from '../job-spec.ts';
import type { JobImage } from '../record/job-record.ts';

/** What the machines of a job are made from. */
export interface JobParts {
  readonly job: string;
  readonly spec: JobSpec;
  readonly image: JobImage;
  /** The archive of input files; null if there are none. */
  readonly inputs: DeployedFile | null;
}

/** A machine of a job, and the node that it is to run on. */
export interface Placement {
  readonly vm: string;
  readonly node: string;
}

/** Machines are numbered from 1 on, node after node: `JOB.1`, `JOB.2`, … */
export function placeVms(job: string, spec: JobSpec): readonly Placement[] {
  const { nodes, vmsPerNode } = spec;
  return nodes.flatMap((node, place) =>
    Array.from({ length: vmsPerNode }, (_, of) => {
      return { vm: `${job}.${place * vmsPerNode + of + 1}`, node };
    }),
  );
}

/** A machine of a job as its host is to make it; `nbdUrl` if it is to read its disk from there. */
export function wantVm(
  vm: string,
  { job, spec, image, inputs }: JobParts,
  nbdUrl: string | null = null,
): WantedVm {
  const { cpus, memoryBytes, network, timeLimitMs } = spec;
  return {
    name: vm,
    job,
    arch: image.arch,
    cpus,
    memoryBytes,
    network,
    boot: bootOf(image),
    disk: { file: diskOf(image), format: image.format, nbdUrl },
    task: {
      command: spec.command,
      environment: { ...spec.environment },
      timeLimitSeconds: timeLimitMs === null ? null : Math.ceil(timeLimitMs / 1000),
      outputs: [...spec.outputs],
      inputs,
      outputRoomBytes: spec.outputRoomBytes,
    },
  };
}

/** The files that a node needs before it can make the machine. */
export function filesOfVm({ disk, boot, task }: WantedVm): readonly DeployedFile[] {
  const booting = boot.kind === 'disk' ? [] : [boot.kernel, boot.initramfs];
  return [disk.file, ...booting, task?.inputs ?? null].filter((file) => file !== null);
}

/** All files that a node needs before it can make machines of the job. */
export function filesOf({ image, inputs }: JobParts): readonly DeployedFile[] {
  return [...image.parts.map(fileOf), ...(inputs === null ? [] : [inputs])];
}

/** What the disk of each machine starts from. */
export function diskOf(image: JobImage): DeployedFile {
  return fileOf(partOf(image, 'disk'));
}

function bootOf(image: JobParts['image']): WantedVm['boot'] {
  if (image.boot.kind === 'disk') return { kind: 'disk' };
  const initramfs = image.parts.find(({ role }) => role === 'initramfs');
  return {
    kind: 'kernel',
    kernel: fileOf(partOf(image, 'kernel')),
    initramfs: initramfs === undefined ? null : fileOf(initramfs),
    commandLine: image.boot.commandLine,
  };
}

type ImagePart = JobImage['parts'][number];

function partOf({ parts }: JobImage, role: ImagePart['role']): ImagePart {
  const part = parts.find((it) => it.role === role);
  assert(part !== undefined, `the image has a part "${role}"`);
  return part;
}

function fileOf({ digest, sizeBytes }: ImagePart): DeployedFile {
  return { digest, sizeBytes };
}
