import type { JobSpec } from '../../../src/job/job-spec.ts';
import type { JobRecord, RecordOf } from '../../../src/job/record/job-record.ts';

export const JOB = 'count-20260131T235959Z-1a2b';
export const AT = '2026-01-31T23:59:59.000Z';
export const LATER = '2026-02-01T00:00:29.500Z';

export const SPEC: JobSpec = {
  name: 'count',
  nodes: ['kn01', 'kn02'],
  vmsPerNode: 2,
  image: 'tiny',
  hypervisor: 'qemu',
  cpus: 1,
  memoryBytes: 128 * 1024 ** 2,
  network: 'none',
  inputs: [],
  command: 'sh run.sh\n',
  environment: { A: 'b' },
  outputs: ['result.txt'],
  outputRoomBytes: 1024 ** 3,
  timeLimitMs: 300_000,
  bootLimitMs: 180_000,
  shutdownLimitMs: 60_000,
  onSuccess: { snapshot: 'none', keep: false },
  onFailure: { snapshot: 'disk', keep: true },
  bootFrom: 'cache',
};

/** A machine of the job, by its number. */
export function vm(number: number): string {
  return `${JOB}.${number}`;
}

/** The first record of a job: machines 1 and 2 on kn01, 3 and 4 on kn02. */
export function submitted(spec: Partial<JobSpec> = {}): RecordOf<'submitted'> {
  const { nodes, inputs, outputs, environment, ...others } = { ...SPEC, ...spec };
  return {
    type: 'submitted',
    job: JOB,
    at: AT,
    spec: {
      ...others,
      nodes: [...nodes],
      inputs: [...inputs],
      outputs: [...outputs],
      environment: { ...environment },
    },
    access: {
      ssh: 'ssh',
      launcher: 'ssh',
      remoteNode: null,
      directory: null,
      memoryLimitBytes: null,
      sharedDirectory: null,
      onRelease: null,
      booting: 2,
    },
    image: {
      id: 'ab'.repeat(32),
      name: 'tiny',
      arch: 'x86_64',
      format: 'qcow2',
      boot: { kind: 'disk' },
      parts: [{ role: 'disk', name: 'disk.qcow2', sizeBytes: 4096, digest: 'cd'.repeat(32) }],
    },
    inputs: null,
    command: ['job', 'submit', 'job.yaml'],
    user: 'ada',
    host: 'front',
  };
}

export function ended(number: number, status: number): RecordOf<'ended'> {
  const node = number <= 2 ? 'kn01' : 'kn02';
  const outcome = { kind: 'exit' as const, status };
  return { type: 'ended', vm: vm(number), node, outcome, outputBytes: 1024, at: LATER };
}

export function started(number: number): JobRecord {
  return { type: 'started', vm: vm(number), node: number <= 2 ? 'kn01' : 'kn02', at: AT };
}

export function cutRecord(cut: string): RecordOf<'cut'> {
  return {
    type: 'cut',
    cut,
    kind: 'disk',
    nodes: ['kn01'],
    patterns: ['/snapshots/*'],
    vms: [{ vm: vm(1), node: 'kn01', pausedMs: 14.2, frozen: true, copiedBytes: 4096 }],
    at: LATER,
  };
}
