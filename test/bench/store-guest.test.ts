import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestRun, guestScript } from '../../bench/store-guest.ts';

const base = Array.from({ length: 600 }, (_, place) => ({
  path: `/base/${place}`,
  sizeBytes: place % 2 === 0 ? 1000 : 1_000_000,
}));
const written = [{ path: '/host/own', sizeBytes: 10 }];

void test('`guestRun` does one thing at most to a file of the base', () => {
  for (let image = 0; image < 8; image += 1) {
    const { removed, replaced, read } = guestRun(base, written, image);
    const touched = [...removed, ...replaced, ...read];
    assert.equal(new Set(touched).size, touched.length);
    assert.deepEqual(
      [removed, replaced, read].map((files) => files.length > 0),
      [true, true, true],
    );
  }
});

void test('`guestRun` chooses other files for each image', () => {
  const [one, other] = [1, 2].map((image) => guestRun(base, written, image));
  assert.notDeepEqual(one?.removed, other?.removed);
  assert.notDeepEqual(one?.read, other?.read);
});

void test('`guestRun` replaces no large file', () => {
  const { replaced } = guestRun(base, written, 3);
  assert.ok(replaced.every(({ sizeBytes }) => sizeBytes < 256 * 1024));
});

void test('`guestScript` removes before it writes, and writes under names of its own', () => {
  const [one, two, three] = ['/a', '/b', '/c'].map((path) => ({ path, sizeBytes: 1 }));
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  const run = { written, removed: [one], replaced: [two], read: [three] };
  assert.deepEqual(guestScript(run, 1, () => '/tmp/longer').split('\n'), [
    'rm /a',
    'rm /b',
    'write /tmp/longer /b',
    'set_inode_field /c atime @1700086400',
    'mkdir /own',
    'write /host/own /own/0',
    '',
  ]);
});
