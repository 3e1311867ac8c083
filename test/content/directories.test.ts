import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectories } from '../../src/content/directories.ts';
import { temporaryDirectory } from '../control/temporary.ts';

void test('`makeDirectories` makes what is missing, and says which names may not be durable', () => {
  const home = temporaryDirectory();
  const fresh = makeDirectories(join(home, 'a/b'));
  assert.deepEqual(fresh, [home, join(home, 'a'), join(home, 'a/b')]);
  // Whoever made the last one may have been stopped before it was synced.
  assert.deepEqual(makeDirectories(join(home, 'a/b')), [join(home, 'a/b')]);
});

void test('`makeDirectories` fails when a file is in the way', () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  assert.throws(() => makeDirectories(file), /EEXIST/);
  assert.throws(() => makeDirectories(join(file, 'a')), /ENOTDIR/);
});

const skip = !existsSync('/proc/self') && 'there is no /proc';
void test('`makeDirectories` fails where no directory can be made', { skip }, () => {
  assert.throws(() => makeDirectories('/proc/kgetplus/a'), /ENOENT/);
});
