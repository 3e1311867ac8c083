import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { arriving, KiB, makeSite, MiB, SLOW, type Site } from './site.ts';
import { noSmallDisk, smallDisk } from './small-disk.ts';

void suite('targets that cannot be written', { concurrency: 2 }, () => {
  void test('`gather` exits with 4 when a file is where the directory should be', async () => {
    const site = makeSite();
    site.image('a1', KiB);
    writeFileSync(site.target, 'mine');
    const { exitCode, stderr } = await site.gather('a1');
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /Cannot gather into .*out: EEXIST.*; name a directory that you can write/);
    assert.equal(readFileSync(site.target, 'utf8'), 'mine');
  });

  void test('`gather` exits with 4 when the directory cannot be made', async () => {
    const site = makeSite();
    const words = ['gather', '-w', 'a1', site.pattern, '--launcher', 'local'];
    const { exitCode, stderr } = await site.run([...words, '--to', '/proc/kgetplus']);
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /Cannot gather into \/proc\/kgetplus: .*; name a directory that you can/);
  });

  void test('`gather` exits with 4 when a directory is where its lock should be', async () => {
    const site = makeSite();
    site.image('a1', KiB);
    mkdirSync(join(site.target, '.kgetplus', 'lock'), { recursive: true });
    const { exitCode, stderr } = await site.gather('a1');
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /Cannot take the lock .*out\/.kgetplus\/lock: found something else than/);
  });

  void test('`gather` names the image and leaves the file alone when one is in the way of a node', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, 64 * KiB);
    mkdirSync(site.target);
    writeFileSync(join(site.target, 'a1'), 'mine');
    const { exitCode, stderr } = await site.gather('a[1-2]');
    assert.ok(exitCode === 3 || exitCode === 4, stderr);
    assert.match(stderr, /Cannot store image "disk.img" from a1/);
    assert.equal(readFileSync(join(site.target, 'a1'), 'utf8'), 'mine');
  });
});

const skip = noSmallDisk() ?? false;
void suite('places that are full', { concurrency: 2, skip }, () => {
  void test('`gather` says how much is needed and free when the target is full', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) site.image(node, 2 * MiB);
    smallDisk(site, site.target, MiB);
    const { exitCode, stderr } = await site.gather('a[1-2]');
    assert.equal(exitCode, 4, stderr);
    assert.match(
      stderr,
      /Cannot store image "disk.img" from a\d: 2.00 MiB needed, .* MiB free on .*out/,
    );
    assert.match(stderr, /Not released: a\[1-2\]/);
    assertOriginals(site);
  });

  void test('`gather` ends with what is safe when the target fills up, and goes on later', async () => {
    const site = makeSite();
    site.image('a1', 500 * KiB);
    site.image('b1', 4 * MiB);
    smallDisk(site, site.target, 6 * MiB);
    const running = site.startGather('a1,b1', ...SLOW);
    await arriving(site, 'b1', running);
    const hog = join(site.target, 'hog');
    fill(hog);
    const { exitCode, stderr } = await running.ended;
    assert.ok(exitCode === 3 || exitCode === 4, stderr);
    assert.match(stderr, /Cannot store image "disk.img" from .*needed, .* free on .*out/);
    assert.match(stderr, /Not released: .*b1/);
    site.assertNothingHalfDone();
    assert.deepEqual(site.processes(), []);
    writeFileSync(hog, '');
    const again = await site.gather('a1,b1');
    assert.equal(again.exitCode, 0, again.stderr);
    site.assertSafe(['a1', 'b1']);
  });

  void test('`gather` succeeds when the nodes have no room to keep images of others', async () => {
    const site = makeSite();
    const nodes = ['a1', 'a2', 'a3', 'a4'];
    for (const node of nodes) site.image(node, 600 * KiB);
    const spool = smallDisk(site, join(site.root, 'spool'), 256 * KiB);
    const { exitCode, stderr } = await site.gather('a[1-4]', ...SLOW, '--spool', spool);
    assert.equal(exitCode, 0, stderr);
    site.assertSafe(nodes);
    assert.deepEqual(readdirSync(spool), []);
  });

  void test('`gather` says which spool is full when not even its indexes fit', async () => {
    const site = makeSite();
    site.image('a1', 600 * KiB);
    const spool = smallDisk(site, join(site.root, 'spool'), 64 * KiB);
    fill(join(spool, 'hog'));
    const { exitCode, stderr } = await site.gather('a1', '--spool', spool);
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /ENOSPC|needed, .* free/);
    assert.match(stderr, new RegExp(spool));
  });
});

void suite('one directory, two runs', { concurrency: 2 }, () => {
  void test('`gather` names the process that works in the directory, and disturbs nothing', async () => {
    const site = makeSite();
    site.image('a1', 3 * MiB);
    const first = site.startGather('a1', ...SLOW);
    await arriving(site, 'a1', first);
    const second = site.startGather('a1');
    const { exitCode, stderr } = await second.ended;
    assert.equal(exitCode, 4, stderr);
    const owner = Number.parseInt(readFileSync(lockOf(site), 'utf8'), 10);
    assert.match(stderr, new RegExp(`another run \\(process ${owner}\\) works in it; wait for`));
    assert.equal((await first.ended).exitCode, 0);
    site.assertSafe(['a1']);
    assert.deepEqual(readdirSync(join(site.target, '.kgetplus')).toSorted(), [
      'journal.jsonl',
      'report.html',
      'report.json',
    ]);
  });

  for (const [what, content] of [
    ['of a process that is gone', undefined],
    ['that says nothing', ''],
  ] as const) {
    void test(`\`gather\` takes over a lock ${what}`, async () => {
      const site = makeSite();
      site.image('a1', KiB);
      mkdirSync(join(site.target, '.kgetplus'), { recursive: true });
      writeFileSync(lockOf(site), content ?? `${await pidOfTheDead()}\n`);
      const { exitCode, stderr } = await site.gather('a1');
      assert.equal(exitCode, 0, stderr);
      site.assertSafe(['a1']);
    });
  }
});

function lockOf(site: Site): string {
  return join(site.target, '.kgetplus/lock');
}

async function pidOfTheDead(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid ?? 0;
}

/** Writes until there is no room left. */
function fill(path: string): void {
  const block = Buffer.alloc(64 * KiB, 1);
  for (const length of [block.length, 4 * KiB]) {
    try {
      for (;;) writeFileSync(path, block.subarray(0, length), { flag: 'a' });
    } catch {
      // Full, up to blocks of this length.
    }
  }
}

function assertOriginals(site: Site): void {
  for (const node of ['a1', 'a2']) assert.equal(readFileSync(site.pathOf(node)).length, 2 * MiB);
  site.assertNothingHalfDone();
}
