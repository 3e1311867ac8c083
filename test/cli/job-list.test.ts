import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { suite, test } from 'node:test';
import { Command } from 'commander';
import { KgetError } from '../../src/base/error.ts';
import { addJobLs, addJobShow } from '../../src/cli/job-list.ts';
import { jobDriver, lockJob } from '../../src/cli/job-lock.ts';
import type { System } from '../../src/cli/system.ts';
import { beginJobJournal } from '../../src/job/record/job-journal.ts';
import { makeJobDirectory } from '../../src/job/record/jobs.ts';
import type { JobListing, ShownJob } from '../../src/report/job-listing.ts';
import { temporaryDirectory } from '../control/temporary.ts';
import { ended, JOB, started, submitted } from '../job/record/sample.ts';

/** A store with one job, and the directory of that. */
async function storeWithJob(): Promise<{ store: string; directory: string }> {
  const store = temporaryDirectory();
  const directory = await makeJobDirectory(store, { job: JOB, text: 'name: count\n' });
  const journal = beginJobJournal(directory, submitted());
  for (const record of [started(1), ended(1, 0)]) journal.append(record);
  journal.close();
  return { store, directory };
}

/** What a command prints. */
async function said(store: string, ...words: readonly string[]): Promise<string> {
  const pieces: string[] = [];
  const stdout = new Writable({
    decodeStrings: false,
    write(piece: string, _encoding, done) {
      pieces.push(piece);
      done();
    },
  });
  const system = { stdout, environment: { KGETPLUS_STORE: store } } as unknown as System;
  const job = new Command('job').exitOverride();
  addJobLs(job, system);
  addJobShow(job, system);
  await job.parseAsync(words, { from: 'user' });
  return pieces.join('');
}

void suite('job ls and job show', () => {
  void test('`job ls` lists the jobs of a store, and which of them are driven', async () => {
    const { store, directory } = await storeWithJob();
    assert.match(await said(store, 'ls'), /no command drives it\n\n1 job, 1 open\n$/);
    using _lock = lockJob(directory, JOB);
    const listing = JSON.parse(await said(store, 'ls', '--json')) as JobListing;
    assert.deepEqual(
      listing.jobs.map(({ job, driver }) => [job, driver]),
      [[JOB, process.pid]],
    );
  });

  void test('`job ls` says so when a store has no jobs', async () => {
    const store = temporaryDirectory();
    assert.match(await said(store, 'ls'), /^There is no job in /);
    assert.deepEqual(JSON.parse(await said(store, 'ls', '--json')), {
      schema: 'kgetplus.jobs/1',
      store,
      jobs: [],
    });
  });

  void test('`job show` shows a job by the beginning of its id', async () => {
    const { store } = await storeWithJob();
    const text = await said(store, 'show', 'count');
    assert.match(text, new RegExp(`^${JOB}\n`));
    const shown = JSON.parse(await said(store, 'show', 'latest', '--json')) as ShownJob;
    assert.equal(shown.schema, 'kgetplus.job/1');
    assert.equal(shown.machines.length, 4);
    assert.equal(shown.machines[0]?.exitStatus, 0);
  });

  void test('`job show` refuses a job that is not there, or was never submitted', async () => {
    const { store } = await storeWithJob();
    await assert.rejects(said(store, 'show', 'x'), /no job begins so, there are count-/);
    mkdirSync(join(store, 'jobs', 'never-20260131T235959Z-0000'));
    await assert.rejects(said(store, 'show', 'never'), /its submission broke off/);
  });
});

void suite('lockJob', () => {
  void test('`lockJob` lets one process drive a job', async () => {
    const { directory } = await storeWithJob();
    assert.equal(jobDriver(directory), null);
    {
      using _lock = lockJob(directory, JOB);
      assert.equal(jobDriver(directory), process.pid);
      assert.throws(
        () => lockJob(directory, JOB),
        (error) => error instanceof KgetError && error.code === 'locked',
      );
    }
    assert.equal(jobDriver(directory), null);
  });

  void test('`lockJob` takes a job over when the process that drove it is gone', async () => {
    const { directory } = await storeWithJob();
    writeFileSync(join(directory, 'lock'), `${process.pid} 1\n`);
    assert.equal(jobDriver(directory), null);
    using _lock = lockJob(directory, JOB);
    assert.equal(jobDriver(directory), process.pid);
  });
});
