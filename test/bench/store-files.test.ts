import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { dealFiles, hostFiles } from '../../bench/store-files.ts';

const BLOCK_BYTES = 4096;

const someFiles = fc.uniqueArray(
  fc.record({
    path: fc.stringMatching(/^\/[a-z]{1,6}$/),
    sizeBytes: fc.integer({ min: 1, max: 9e4 }),
  }),
  { selector: ({ path }) => path, minLength: 40, maxLength: 80 },
);

void test('`dealFiles` deals no file twice, and to each as many blocks as it wants', () => {
  const wanted = { baseBytes: 3 * 90_000, ownBytes: [1, 40_000] };
  const ofOneBlock = someFiles.map((files) =>
    files.map((file) => ({ ...file, sizeBytes: 90_000 })),
  );
  fc.assert(
    fc.property(ofOneBlock, (files) => {
      const { base, own } = dealFiles(files, wanted);
      const shares = [base, ...own];
      assert.deepEqual(
        shares.map((share) => share.length),
        [3, 1, 1],
      );
      assert.equal(new Set(shares.flat()).size, 5);
    }),
  );
});

void test('`dealFiles` deals the same files when they are found in another order', () => {
  const wanted = { baseBytes: 20 * BLOCK_BYTES, ownBytes: [BLOCK_BYTES, BLOCK_BYTES] };
  fc.assert(
    fc.property(someFiles, (files) => {
      assert.deepEqual(dealFiles(files.toReversed(), wanted), dealFiles(files, wanted));
    }),
  );
});

void test('`dealFiles` counts a small file as a whole block', () => {
  const files = ['/a', '/b', '/c'].map((path) => ({ path, sizeBytes: 1 }));
  const { base } = dealFiles(files, { baseBytes: 2 * BLOCK_BYTES, ownBytes: [] });
  assert.equal(base.length, 2);
});

void test('`dealFiles` says what is there and what is wanted when files do not suffice', () => {
  const files = [{ path: '/a', sizeBytes: 3 * 2 ** 20 }];
  assert.throws(
    () => dealFiles(files, { baseBytes: 2 ** 20, ownBytes: [6 * 2 ** 20] }),
    /3 MiB found below .*, 7 MiB wanted/,
  );
});

void test('`hostFiles` leaves out links, second names, empty and large files, and names that need quotes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-test-'));
  try {
    mkdirSync(join(directory, 'below'));
    writeFileSync(join(directory, 'below/fits'), 'abc');
    writeFileSync(join(directory, 'empty'), '');
    writeFileSync(join(directory, 'large'), 'abcd');
    writeFileSync(join(directory, 'two words'), 'abc');
    symlinkSync('below/fits', join(directory, 'link'));
    symlinkSync('.', join(directory, 'itself'));
    linkSync(join(directory, 'below/fits'), join(directory, 'below/same'));
    assert.deepEqual(hostFiles([directory], 3), [
      { path: join(directory, 'below/fits'), sizeBytes: 3 },
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
