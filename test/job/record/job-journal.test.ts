import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { KgetError } from '../../../src/base/error.ts';
import { chooseJob, chooseVm, isJobId, jobId } from '../../../src/job/record/job-id.ts';
import {
  beginJobJournal,
  journalPath,
  openJobJournal,
  readJob,
} from '../../../src/job/record/job-journal.ts';
import { jobRecord, type JobRecord, type RecordOf } from '../../../src/job/record/job-record.ts';
import {
  jobDirectory,
  jobFilePath,
  jobIds,
  jobsDirectory,
  listJobs,
  makeJobDirectory,
} from '../../../src/job/record/jobs.ts';
import { temporaryDirectory } from '../../control/temporary.ts';
import { AT, cutRecord, ended, JOB, LATER, started, submitted, vm } from './sample.ts';

/** One of each, in the order of a job's life. */
const EACH: { readonly [Type in JobRecord['type']]: RecordOf<Type> } = {
  submitted: submitted(),
  deployed: { type: 'deployed', node: 'kn01', wireBytes: 10, seconds: 1.5 },
  created: { type: 'created', vm: vm(1) },
  started: { type: 'started', vm: vm(1), node: 'kn01', at: AT },
  paused: { type: 'paused', vm: vm(1) },
  suspended: { type: 'suspended', vm: vm(1) },
  resumed: { type: 'resumed', vm: vm(1) },
  moved: { type: 'moved', vm: vm(1), from: 'kn01', to: 'kn02', downtimeMs: 18, at: AT },
  ended: ended(1, 0),
  cut: cutRecord('c1'),
  snapshot: { type: 'snapshot', cut: 'c1', run: 'r1', at: AT },
  outputs: { type: 'outputs', vm: vm(1), directory: '/out' },
  'shut-down': { type: 'shut-down', vm: vm(1), how: 'clean' },
  released: { type: 'released', node: 'kn01', at: LATER },
  'given-back': { type: 'given-back', node: 'kn01' },
  cancelled: { type: 'cancelled', at: LATER },
  finished: { type: 'finished', state: 'cancelled', kept: false, at: LATER },
};
const RECORDS = Object.values(EACH).slice(1);

function begun(records: readonly JobRecord[] = RECORDS): string {
  const directory = temporaryDirectory();
  const journal = beginJobJournal(directory, submitted());
  for (const record of records) journal.append(record);
  journal.close();
  return directory;
}

function refused(work: () => unknown): KgetError {
  try {
    work();
  } catch (error) {
    assert(error instanceof KgetError, String(error));
    return error;
  }
  return assert.fail('no error');
}

void suite('job journal', () => {
  void test('`jobRecord` refuses a job of more machines than a job file may have', () => {
    const most = { nodes: ['kn01', 'kn02'], vmsPerNode: 5000 };
    assert.ok(jobRecord.safeParse(submitted(most)).success);
    for (const vmsPerNode of [5001, 1_000_000, 0, -1]) {
      assert.ok(!jobRecord.safeParse(submitted({ ...most, vmsPerNode })).success);
    }
  });

  void test('`readJob` knows what was appended, also by several commands', () => {
    const directory = begun(RECORDS.slice(0, 4));
    const journal = openJobJournal(directory);
    for (const record of RECORDS.slice(4)) journal.append(record);
    const state = journal.state();
    journal.close();
    assert.deepEqual(readJob(directory), state);
    assert.equal(state.finished?.state, 'cancelled');
    assert.equal(state.cuts[0]?.run, 'r1');
  });

  void test('`jobRecord` takes every record as it was written', () => {
    for (const record of Object.values(EACH)) {
      assert.deepEqual(jobRecord.parse(JSON.parse(JSON.stringify(record))), record);
    }
  });

  void test('`openJobJournal` cuts a torn end off, and goes on', () => {
    const directory = begun([started(1), ended(1, 0)]);
    const path = journalPath(directory);
    truncateSync(path, readFileSync(path).length - 3);
    const journal = openJobJournal(directory);
    assert.equal(journal.state().vms.get(vm(1))?.stage, 'running');
    journal.append(ended(1, 5));
    journal.close();
    assert.deepEqual(readJob(directory)?.vms.get(vm(1))?.outcome, { kind: 'exit', status: 5 });
  });

  void test('`readJob` refuses a journal when good records follow damage', () => {
    const directory = begun();
    const path = journalPath(directory);
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, lines.with(3, 'damaged').join('\n'));
    const { code, message } = refused(() => readJob(directory));
    assert.equal(code, 'corrupt');
    assert.match(message, /line 4: the line is damaged/);
    assert.doesNotMatch(message, /gather/);
  });

  void test('`readJob` refuses a journal of a run, and of a later version', () => {
    const directory = begun();
    const path = journalPath(directory);
    writeFileSync(path, '44a28be0 {"schema":"kgetplus.journal/2"}\n');
    assert.equal(refused(() => readJob(directory)).code, 'version');
  });

  void test('`openJobJournal` refuses a job whose submission broke off', () => {
    const directory = temporaryDirectory();
    assert.equal(readJob(directory), undefined);
    assert.match(refused(() => openJobJournal(directory)).message, /submit it again/);
    beginJobJournal(directory, submitted()).close();
    truncateSync(journalPath(directory), 60);
    assert.match(refused(() => openJobJournal(directory)).message, /submit it again/);
  });
});

void suite('jobs of a store', () => {
  void test('`jobId` makes an id that fits names of machines', () => {
    const at = new Date('2026-01-31T23:59:59.123Z');
    const entropy = { hex: (count: number) => '1a2b3c4d'.slice(0, 2 * count) };
    assert.equal(jobId('count', { at, entropy }), JOB);
    const longest = jobId('x'.repeat(31), { at, entropy });
    assert.ok(isJobId(longest));
    assert.ok(`${longest}.10000`.length <= 64);
  });

  void test('`listJobs` lists jobs by their time, and what is no good', async () => {
    const store = temporaryDirectory();
    assert.deepEqual(listJobs(store), []);
    const ids = ['b-20260131T000000Z-0000', 'a-20260131T000001Z-0000', 'b-20260131T000002Z-0000'];
    for (const id of ids) await makeJobDirectory(store, { job: id, text: `name: ${id}\n` });
    mkdirSync(join(jobsDirectory(store), 'other'));
    const [first = '', second = '', third = ''] = ids.map((id) => jobDirectory(store, id));
    beginJobJournal(first, submitted()).close();
    appendFileSync(journalPath(third), '{"schema":"x/9"}\n'.repeat(2));
    assert.equal(readFileSync(jobFilePath(second), 'utf8'), `name: ${ids[1]}\n`);
    assert.deepEqual(jobIds(store), ids);
    assert.deepEqual(
      listJobs(store).map(({ state, problem }) => state?.job ?? problem),
      [JOB, 'its submission broke off', 'its submission broke off'],
    );
  });

  const ids = ['a-20260131T000000Z-0000', 'ab-20260131T000001Z-0000', 'ab-20260131T000001Z-0001'];
  void test('`chooseJob` takes an id, the beginning of one, or "latest"', () => {
    assert.equal(chooseJob(ids[0] ?? '', ids), ids[0]);
    assert.equal(chooseJob('a-', ids), ids[0]);
    assert.equal(chooseJob('latest', ids), ids[2]);
    assert.match(refused(() => chooseJob('ab', ids)).message, /2 jobs begin so: ab-/);
    assert.match(refused(() => chooseJob('x', ids)).message, /no job begins so, there are a-/);
    assert.match(refused(() => chooseJob('', ids)).message, /no job begins so/);
    assert.match(refused(() => chooseJob('latest', [])).message, /no job was submitted here/);
  });

  void test('`chooseVm` takes a job, or one machine of it', () => {
    assert.deepEqual(chooseVm('a', ids.slice(0, 1)), { job: ids[0], vm: null });
    assert.deepEqual(chooseVm('latest.12', ids), { job: ids[2], vm: `${ids[2]}.12` });
    assert.match(refused(() => chooseVm('a-.0', ids)).message, /"a-\.0"/);
  });
});
