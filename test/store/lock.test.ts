import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pid, ppid } from 'node:process';
import { suite, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { takeLock } from '../../src/store/lock.ts';
import { identityOf } from '../../src/store/process-identity.ts';
import { temporaryDirectory } from '../content/fixtures.ts';

/** No process has this id and start time. */
const GONE = '1 999999999999\n';

const refusal = (owner: number) => new KgetError('locked', `process ${owner} has it`);

void suite('takeLock', () => {
  void test('`takeLock` leaves the lock alone in its directory, with our identity', (t) => {
    const directory = temporaryDirectory(t);
    takeLock(join(directory, 'lock'), refusal);
    assert.deepEqual(readdirSync(directory), ['lock']);
    assert.equal(readFileSync(join(directory, 'lock'), 'utf8'), identityOf(pid));
  });

  void test('`takeLock` refuses what a living process has', (t) => {
    const lock = join(temporaryDirectory(t), 'lock');
    writeFileSync(lock, identityOf(ppid) ?? '');
    assert.throws(() => takeLock(lock, refusal), { message: `process ${ppid} has it` });
    assert.equal(readFileSync(lock, 'utf8'), identityOf(ppid));
  });

  void test('`takeLock` takes over what a process had that is gone', (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'lock'), GONE);
    takeLock(join(directory, 'lock'), refusal);
    assert.deepEqual(readdirSync(directory), ['lock']);
    assert.equal(readFileSync(join(directory, 'lock'), 'utf8'), identityOf(pid));
  });

  void test('`takeLock` leaves a stale lock to a process that is about to take it over', (t) => {
    const lock = join(temporaryDirectory(t), 'lock');
    writeFileSync(lock, GONE);
    const removal = `${lock}.stale-${hash(GONE)}`;
    writeFileSync(removal, identityOf(ppid) ?? '');
    assert.throws(() => takeLock(lock, refusal), { message: `process ${ppid} has it` });
    assert.equal(readFileSync(lock, 'utf8'), GONE);
    // That process has died over it, too.
    writeFileSync(removal, '2 999999999999\n');
    takeLock(lock, refusal);
    assert.equal(readFileSync(lock, 'utf8'), identityOf(pid));
    assert.ok(!existsSync(removal));
  });

  void test('`takeLock` refuses a place where something else than a file is', (t) => {
    for (const [name, make] of Object.entries({
      directory: mkdirSync,
      link: (path: string) => symlinkSync('nowhere', path),
    })) {
      const directory = temporaryDirectory(t);
      make(join(directory, 'lock'));
      assert.throws(() => takeLock(join(directory, 'lock'), refusal), {
        code: 'target-unwritable',
        message: /\/lock: found something else than a file there/,
      });
      assert.deepEqual(readdirSync(directory), ['lock'], name);
    }
  });
});

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
