import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test, type TestContext } from 'node:test';
import { findImages } from '../../src/source/find-images.ts';
import { temporaryDirectory } from '../content/fixtures.ts';

function setUp(t: TestContext, files: readonly string[]) {
  const home = temporaryDirectory(t);
  for (const file of files) {
    mkdirSync(dirname(join(home, file)), { recursive: true });
    writeFileSync(join(home, file), file);
  }
  const find = async (...patterns: string[]) => {
    const { images, problems } = await findImages({ patterns, home });
    return {
      images: images.map(({ path }) => relative(home, path)),
      problems: problems.map(({ pattern, failure }) => [pattern, failure.code]),
    };
  };
  return { home, find };
}

const FILES = ['vm/b.img', 'vm/a.img', 'vm/.hidden.img', 'vm/deep/er/c.img', 'vm/disk[1].img'];

for (const [pattern, expected] of [
  ['vm/a.img', ['vm/a.img']],
  ['~/vm/a.img', ['vm/a.img']],
  ['vm/[ab].img', ['vm/a.img', 'vm/b.img']],
  ['vm/{b,a}.img', ['vm/a.img', 'vm/b.img']],
  ['vm/**/*.img', ['vm/a.img', 'vm/b.img', 'vm/deep/er/c.img', 'vm/disk[1].img']],
  ['vm/deep/**', ['vm/deep/er/c.img']],
  ['vm/*/*/c.img', ['vm/deep/er/c.img']],
  ['vm/disk[1].img', ['vm/disk[1].img']],
  ['vm/.*.img', ['vm/.hidden.img']],
] as const) {
  void test(`\`findImages\` finds the files of ${pattern}`, async (t) => {
    const { find } = setUp(t, FILES);
    assert.deepEqual(await find(pattern), { images: expected, problems: [] });
  });
}

void test('`findImages` names each file once, sorted, with its sizes', async (t) => {
  const { home } = setUp(t, FILES);
  truncateSync(join(home, 'vm/b.img'), 1_000_000);
  const patterns = [join(home, 'vm/b.img'), 'vm/[ab].img', 'vm/a.img'];
  const { images } = await findImages({ patterns, home });
  assert.deepEqual(
    images.map(({ path, sizeBytes }) => [path, sizeBytes]),
    [
      [join(home, 'vm/a.img'), 8],
      [join(home, 'vm/b.img'), 1_000_000],
    ],
  );
  assert.ok((images[1]?.allocatedBytes ?? 0) < 100_000);
});

void test('`findImages` follows links to files and reports what is not a file', async (t) => {
  const { home, find } = setUp(t, ['real', 'vm/inside']);
  symlinkSync('real', join(home, 'link'));
  symlinkSync('nowhere', join(home, 'dangling'));
  assert.deepEqual(await find('*'), {
    images: ['link', 'real'],
    problems: [
      ['*', 'source-unreadable'],
      ['*', 'source-unreadable'],
    ],
  });
});

void test('`findImages` reports a pattern that matches nothing, and goes on', async (t) => {
  const { find } = setUp(t, ['a']);
  assert.deepEqual(await find('none', 'x/*.img', 'a/b', 'a'), {
    images: ['a'],
    problems: [
      ['none', 'no-match'],
      ['x/*.img', 'no-match'],
      ['a/b', 'no-match'],
    ],
  });
});

void test('`findImages` reports `usage` beyond the most images, and keeps those', async (t) => {
  const { home } = setUp(t, ['a', 'b', 'c']);
  const { images, problems } = await findImages({ patterns: ['*'], home, maxImages: 2 });
  assert.equal(images.length, 2);
  assert.equal(problems[0]?.failure.code, 'usage');
});

const asRoot = process.getuid?.() === 0 ? 'root may read everything' : false;

void test('`findImages` reports what may not be read', { skip: asRoot }, async (t) => {
  const { home, find } = setUp(t, ['secret', 'closed/a']);
  chmodSync(join(home, 'secret'), 0);
  chmodSync(join(home, 'closed'), 0);
  const found = await find('secret', 'closed/a', 'closed/*');
  // The directory must be open again to be removed.
  chmodSync(join(home, 'closed'), 0o700);
  assert.deepEqual(found, {
    images: [],
    problems: [
      ['secret', 'source-unreadable'],
      ['closed/a', 'source-unreadable'],
      ['closed/*', 'source-unreadable'],
    ],
  });
});
