import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { DISK_UNIT_BYTES, jobArchive, wholeUnits, type Task } from '../../src/host/job-archive.ts';
import { temporaryDirectory } from './fixture.ts';

const TASK: Task = {
  command: 'echo "$GREETING"\n',
  environment: { GREETING: 'hello' },
  timeLimitSeconds: 60,
  outputs: ['result.txt', 'logs/*.log'],
  inputs: null,
  outputRoomBytes: 0,
};

/** What tar(1) finds in the archive of a task. */
function unpacked(task: Task): (name: string) => string {
  const directory = temporaryDirectory();
  execFileSync('tar', ['-x', '-C', directory], { input: jobArchive(task) });
  return (name) => readFileSync(join(directory, 'job', name), 'utf8');
}

void suite('job archive', () => {
  void test('`jobArchive` holds what the job runner looks for', () => {
    const file = unpacked(TASK);
    assert.equal(file('command'), TASK.command);
    assert.equal(file('environment'), "export GREETING='hello'\n");
    assert.equal(file('time-limit'), '60\n');
    assert.equal(file('outputs'), 'result.txt\nlogs/*.log\n');
    assert.equal(unpacked({ ...TASK, timeLimitSeconds: null })('time-limit'), '');
  });

  void test('`jobArchive` is a whole disk, the same each time', () => {
    const archive = jobArchive(TASK);
    assert.equal(archive.length, DISK_UNIT_BYTES);
    assert.ok(archive.equals(jobArchive(TASK)));
    assert.equal(jobArchive({ ...TASK, command: 'x'.repeat(DISK_UNIT_BYTES) }).length, 2 ** 17);
  });

  void test('a shell reads any value of the environment as it was', () => {
    const value = fc.string({ unit: 'binary', maxLength: 200 }).filter((it) => !it.includes('\0'));
    const property = fc.property(value, (text) => {
      const wanted = Buffer.from(text).toString('utf8');
      const archive = jobArchive({ ...TASK, environment: { VALUE: wanted } });
      const environment = execFileSync('tar', ['-xO', 'job/environment'], { input: archive });
      const script = `${environment.toString('utf8')}printf %s "$VALUE"`;
      assert.equal(execFileSync('sh', { input: script }).toString('utf8'), wanted);
    });
    fc.assert(property, { numRuns: 50 });
  });

  void test('`wholeUnits` rounds up', () => {
    assert.deepEqual([0, 1, DISK_UNIT_BYTES, DISK_UNIT_BYTES + 1].map(wholeUnits), [
      0,
      DISK_UNIT_BYTES,
      DISK_UNIT_BYTES,
      2 * DISK_UNIT_BYTES,
    ]);
  });
});
