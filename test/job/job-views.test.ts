import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { listedJob, shownJob } from '../../src/cli/job-facts.ts';
import { foldJob } from '../../src/job/record/fold-job.ts';
import type { JobRecord } from '../../src/job/record/job-record.ts';
import { renderJobsText } from '../../src/report/job-list-text.ts';
import type { ListedJob, ShownJob } from '../../src/report/job-listing.ts';
import { renderJobText } from '../../src/report/job-show-text.ts';
import { AT, cutRecord, ended, JOB, LATER, started, submitted, vm } from './record/sample.ts';

const DIRECTORY = `/store/jobs/${JOB}`;

interface Told {
  readonly records?: readonly JobRecord[];
  readonly driver?: number | null;
}

function stateOf(records: readonly JobRecord[], spec = {}) {
  return foldJob([submitted(spec), ...records]) ?? assert.fail('no job');
}

function listed({ records = [], driver = null }: Told): ListedJob {
  return listedJob({ directory: DIRECTORY, state: stateOf(records), problem: null }, driver);
}

function shown({ records = [], driver = null }: Told, spec = {}): ShownJob {
  return shownJob(stateOf(records, spec), { store: '/store', directory: DIRECTORY, driver });
}

function rows(text: string): string[] {
  return text.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
}

function list(jobs: readonly ListedJob[]): string[] {
  return rows(renderJobsText({ schema: 'kgetplus.jobs/1', store: '/store', jobs }));
}

const FAILED: JobRecord = {
  ...ended(2, 0),
  outcome: { kind: 'failed', reason: 'never-booted', detail: 'no sign of it\u001b[31m' },
  outputBytes: null,
};
const FINISHED: JobRecord = { type: 'finished', state: 'failed', kept: true, at: LATER };

void suite('renderJobsText', () => {
  void test('`renderJobsText` says how to submit a job when there is none', () => {
    assert.match(list([])[1] ?? '', /^kgetplus job submit/);
  });

  void test('`renderJobsText` counts machines and marks jobs that nobody drives', () => {
    const unusable = listedJob(
      { directory: `${DIRECTORY}x`, state: null, problem: 'damaged' },
      null,
    );
    const jobs = [
      listed({ records: [started(1), started(2), ended(2, 0)], driver: 7 }),
      listed({ records: [started(1), ended(3, 4)] }),
      listed({ records: [ended(1, 0), ended(2, 0), ended(3, 0), ended(4, 1), FINISHED] }),
      unusable,
    ];
    assert.deepEqual(list(jobs), [
      'Job State VMs Running Done Failed Nodes Since (UTC) Image',
      `${JOB} deploying 4 1 1 0 kn[01-02] 2026-01-31 23:59:59 tiny`,
      `${JOB} deploying 4 1 0 1 kn[01-02] 2026-01-31 23:59:59 tiny no command drives it`,
      `${JOB} failed 4 0 3 1 kn[01-02] 2026-01-31 23:59:59 tiny machines are kept`,
      `${JOB}x unknown 0 0 0 0 – – – damaged`,
      '',
      '4 jobs, 3 open',
      '',
    ]);
  });
});

void suite('renderJobText', () => {
  const moved: JobRecord = {
    type: 'moved',
    vm: vm(1),
    from: 'kn03',
    to: 'kn01',
    downtimeMs: 18.4,
    at: AT,
  };
  const records: readonly JobRecord[] = [
    { type: 'deployed', node: 'kn01', wireBytes: 2048, seconds: 3 },
    { type: 'deployed', node: 'kn02', wireBytes: 2048, seconds: 4 },
    started(1),
    moved,
    cutRecord('c1'),
    { type: 'snapshot', cut: 'c1', run: 'r1', at: AT },
    cutRecord('c2'),
    ended(1, 3),
    { type: 'outputs', vm: vm(1), directory: `${DIRECTORY}/outputs` },
    FAILED,
    started(3),
    { type: 'suspended', vm: vm(3) },
    ended(4, 0),
  ];

  void test('`renderJobText` tells of each machine, snapshot and what to do next', () => {
    const text = renderJobText(shown({ records }));
    assert.deepEqual(rows(text), [
      JOB,
      'State running',
      'Submitted 2026-01-31 23:59:59 UTC by ada on front',
      'Machines 4 on kn[01-02]: 0 running, 1 done, 2 failed',
      'Each 1 processor, 128 MiB, 5 min 00 s at most',
      'Image tiny (abababababab), qemu',
      'Deployed on 2 nodes after 4.0 s, 4.00 KiB over the network',
      `Outputs ${DIRECTORY}/outputs`,
      `Files ${DIRECTORY}`,
      'Command',
      'sh run.sh',
      '',
      'VM Node State Exit Ran Outputs Paused',
      '1 kn01 ended 3 30.5 s 1.00 KiB 14 ms, 14 ms moved here from kn03, 18 ms down',
      String.raw`2 kn01 ended – – – never booted: no sign of it\u{1b}[31m`,
      '3 kn02 suspended – – –',
      '4 kn02 ended 0 – 1.00 KiB outputs not here yet',
      '',
      'Snapshot Taken (UTC) Of VMs Longest pause Copied',
      'r1 2026-02-01 00:00:29 disks 1 14 ms 4.00 KiB',
      'on the nodes only 2026-02-01 00:00:29 disks 1 14 ms 4.00 KiB',
      '',
      `No command drives this job: kgetplus job wait ${JOB} goes on with it.`,
      `kgetplus job logs ${JOB}.1 shows what its command said.`,
      'kgetplus show r1 shows its last snapshot.',
      '',
    ]);
  });

  void test('`renderJobText` advises nothing when all went well', () => {
    const finished: JobRecord = { type: 'finished', state: 'succeeded', kept: false, at: LATER };
    const all = [1, 2, 3, 4].flatMap((number) => [started(number), ended(number, 0)]);
    const outputs = [1, 2, 3, 4].map((number): JobRecord => {
      return { type: 'outputs', vm: vm(number), directory: '/o' };
    });
    const text = renderJobText(shown({ records: [...all, ...outputs, finished] }));
    assert.doesNotMatch(text, /kgetplus/);
    assert.match(text, /State +succeeded/);
    assert.match(text, /Ended +2026-02-01 00:00:29 UTC/);
  });

  void test('`renderJobText` says how kept machines end', () => {
    const all = [1, 2, 3, 4].map((number) => ended(number, number));
    const lines = rows(renderJobText(shown({ records: [...all, FINISHED], driver: 9 })));
    assert.ok(lines.includes('State failed, driven by process 9'));
    assert.ok(lines.includes(`Its machines stay until kgetplus job cancel ${JOB}.`));
  });

  void test('`renderJobText` shows the failed ones first when there are very many machines', () => {
    const many = { nodes: Array.from({ length: 300 }, (_, at) => `n${at}`), vmsPerNode: 1 };
    const failed: JobRecord = { ...ended(1, 9), vm: vm(300), node: 'n299' };
    const lines = rows(renderJobText(shown({ records: [failed] }, many)));
    const title = lines.findIndex((line) => line.startsWith('VM Node'));
    assert.match(lines[title + 1] ?? '', /^300 n299 ended 9/);
    assert.ok(lines.includes('… and 100 more machines: --json has all'));
  });
});
