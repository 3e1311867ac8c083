/** What people write of jobs, and what is kept of them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readRecords } from '../src/coordinator/journal-file.ts';
import { headerLine, journalLine } from '../src/coordinator/journal-lines.ts';
import { readJobFile } from '../src/job/job-file.ts';
import { foldJob } from '../src/job/record/fold-job.ts';
import { JOB_JOURNAL } from '../src/job/record/job-journal.ts';
import type { JobRecord } from '../src/job/record/job-record.ts';
import type { Trial } from './target.ts';

const JOB = `name: count                  # the job
nodes: kn[01-04]
vms-per-node: 2
image: tiny:v2
cpus: 3
memory: 128MiB
network: user
inputs: [input, {path: ./input, as: again.sh}]
command: |
  sh run.sh
  sh again.sh
environment: {A: b, _C2: "7"}
outputs: [result.txt, 'logs/*.log']
output-room: 2GiB
time-limit: 5min
boot-limit: 2min
boot-from: store
on-success: {snapshot: none, keep: false}
on-failure: &ending {snapshot: disk, keep: true}
`;

export function jobSamples(): Buffer[] {
  const small = 'name: count\nnodes: [kn1, "kn[2-3]"]\nimage: tiny\ncommand: sh run.sh\n';
  return [JOB, JOB, small].map((text) => Buffer.from(text));
}

/** What a job file says is within its bounds; or its faults are told, each with its place. */
export function tryJobFile(input: Buffer, { file }: Trial): void {
  writeFileSync(file, '');
  const text = input.toString('utf8');
  try {
    const surroundings = { directory: dirname(file), nodeSets: {} };
    const job = readJobFile({ text, file: 'job.yaml', ...surroundings });
    assert.ok(job.nodes.length * job.vmsPerNode <= 10_000 && job.nodes.length > 0);
    assert.ok(job.inputs.every(({ name }) => !name.includes('/')));
  } catch (error) {
    assert.match(error instanceof Error ? error.message : '', /^job\.yaml:\d+:\d+: /);
    throw error;
  }
}

const AT = '2026-11-23T03:55:00Z';

const RECORDS: readonly JobRecord[] = [
  {
    type: 'submitted',
    job: 'count-4f2a',
    at: AT,
    spec: {
      name: 'count',
      nodes: ['kn1', 'kn2'],
      vmsPerNode: 2,
      image: 'tiny',
      hypervisor: 'qemu',
      cpus: 1,
      memoryBytes: 134_217_728,
      network: 'none',
      inputs: [{ path: '/srv/run.sh', name: 'run.sh' }],
      command: 'sh run.sh',
      environment: { A: 'b' },
      outputs: ['result.txt'],
      outputRoomBytes: 1_048_576,
      timeLimitMs: null,
      bootLimitMs: 180_000,
      shutdownLimitMs: 60_000,
      onSuccess: { snapshot: 'none', keep: false },
      onFailure: { snapshot: 'disk', keep: true },
      bootFrom: 'cache',
    },
    access: {
      ssh: 'ssh',
      launcher: 'ssh',
      remoteNode: null,
      directory: null,
      memoryLimitBytes: null,
      sharedDirectory: null,
      onRelease: null,
      booting: 16,
    },
    image: {
      id: 'ab'.repeat(32),
      name: 'tiny',
      arch: 'x86_64',
      format: 'qcow2',
      boot: { kind: 'disk' },
      parts: [{ role: 'disk', name: 'disk.qcow2', sizeBytes: 4096, digest: 'cd'.repeat(32) }],
    },
    inputs: { digest: 'ef'.repeat(32), sizeBytes: 4096 },
    command: ['kgetplus', 'job', 'run'],
    user: 'root',
    host: 'frontend',
  },
  { type: 'deployed', node: 'kn1', wireBytes: 4096, seconds: 1.5 },
  { type: 'created', vm: 'count-4f2a.0' },
  { type: 'started', vm: 'count-4f2a.0', node: 'kn1', at: AT },
  { type: 'moved', vm: 'count-4f2a.0', from: 'kn1', to: 'kn2', downtimeMs: 18, at: AT },
  {
    type: 'ended',
    vm: 'count-4f2a.0',
    node: 'kn2',
    outcome: { kind: 'exit', status: 0 },
    outputBytes: 1024,
    at: AT,
  },
  { type: 'outputs', vm: 'count-4f2a.0', directory: '/srv/out' },
  { type: 'shut-down', vm: 'count-4f2a.0', how: 'clean' },
  { type: 'released', node: 'kn2', at: AT },
  { type: 'finished', state: 'succeeded', kept: false, at: AT },
];

/** The records of a job, each as JSON on a line. */
export function jobRecordSamples(): Buffer[] {
  return [RECORDS.length, 6, 1].map((most) =>
    Buffer.from(
      RECORDS.slice(0, most)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(''),
    ),
  );
}

/** Records of any kind in whole lines are refused, or tell a state. */
export function tryJobRecords(input: Buffer, { file }: Trial): void {
  const records = input
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
  const lines = records.map((record) => journalLine(record));
  writeFileSync(file, [headerLine(JOB_JOURNAL.format), ...lines].join(''));
  const state = foldJob(readRecords(file, JOB_JOURNAL).records);
  if (state !== undefined) JSON.stringify(state);
}
