import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { suite, test } from 'node:test';
import { arriving, KiB, makeSite, MiB, SLOW, type Ended, type Site } from './site.ts';

void suite('images that cannot be gathered', { concurrency: 2 }, () => {
  void test('`gather` exits with 3 when a path matches nothing on one node', async () => {
    const site = makeSite();
    site.image('a1', 100 * KiB);
    const { exitCode, stderr } = await site.gather('a[1-2]');
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /a2: Cannot find ".*\/a2\/disk.img": found nothing, wanted a file/);
    assert.match(stderr, /Not released: a2/);
    site.assertSafe(['a1']);
    assert.equal(stateOf(site, 'a1'), 'released');
  });

  void test('`gather` exits with 4 when a path matches nothing anywhere', async () => {
    const site = makeSite();
    const { exitCode, stderr, stdout } = await site.gather('a[1-2]');
    assert.equal(exitCode, 4, stderr);
    assert.match(stdout, /no image was found/);
    assert.match(stderr, /Not released: a\[1-2\]/);
  });

  void test('`gather` holds a node with something unreadable, and gathers the rest', async () => {
    const site = makeSite();
    for (const name of ['good.img', 'secret.img']) site.image('a1', 50 * KiB, name);
    site.image('a2', 50 * KiB, 'good.img');
    mkdirSync(site.pathOf('a1', 'directory.img'));
    symlinkSync('/no/such/file', site.pathOf('a1', 'dangling.img'));
    chmodSync(site.pathOf('a1', 'secret.img'), 0);
    const isRoot = getuid?.() === 0;
    const { exitCode, stderr } = await gatherOf(site, 'a[1-2]', '*.img');
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /directory.img": found a directory, wanted a regular file \(try/);
    assert.match(stderr, /Cannot read .*dangling.img: ENOENT/);
    if (!isRoot) assert.match(stderr, /Cannot read .*secret.img: EACCES/);
    site.assertSafe(['a1', 'a2'], 'good.img');
    assert.notEqual(stateOf(site, 'a1'), 'released');
    assert.equal(stateOf(site, 'a2'), 'released');
  });

  void test('`gather` gathers neither of two images of a node that become one file', async () => {
    const site = makeSite();
    for (const name of ['x/disk.img', 'y/disk.img', 'x/other.img']) site.image('a1', 9 * KiB, name);
    const { exitCode, stderr } = await gatherOf(site, 'a1', '*/*.img');
    assert.equal(exitCode, 3, stderr);
    assert.match(
      stderr,
      /\/x\/disk.img and .*\/y\/disk.img from a1: both would become a1\/disk.img or/,
    );
    assert.notEqual(stateOf(site, 'a1'), 'released');
    assert.deepEqual(readdirSync(join(site.target, 'a1')), ['other.img', 'other.img.caibx']);
  });

  const faults: readonly (readonly [string, (path: string) => void])[] = [
    ['changes', (path) => writeFileSync(path, 'changed', { flag: 'r+' })],
    ['shrinks', (path) => truncateSync(path, MiB)],
    ['is touched', (path) => utimesSync(path, 1, 1)],
  ];
  for (const [what, change] of faults) {
    void test(`\`gather\` gives up an image that ${what} while it is read, not the others`, async () => {
      const site = makeSite();
      for (const node of ['a1', 'a2']) site.image(node, 100 * KiB);
      site.image('b1', 4 * MiB);
      const running = site.startGather('a[1-2],b1', ...SLOW);
      await arriving(site, 'b1', running);
      change(site.pathOf('b1'));
      const { exitCode, stderr } = await running.ended;
      assert.equal(exitCode, 3, stderr);
      assert.match(
        stderr,
        /b1: Cannot (use|read) .*b1\/disk.img: (it changed since|found its end)/,
      );
      assert.match(stderr, /Not released: b1/);
      site.assertSafe(['a1', 'a2']);
      site.assertNothingHalfDone();
      assert.deepEqual(site.processes(), []);
      assert.equal(stateOf(site, 'b1'), 'held');
      // The user makes a new snapshot and runs it again.
      const again = await site.gather('b1');
      assert.equal(again.exitCode, 0, again.stderr);
      site.assertSafe(['b1']);
    });
  }
});

function gatherOf(site: Site, nodes: string, glob: string): Promise<Ended> {
  const pattern = join(dirname(site.pattern), glob);
  return site.run(['gather', '-w', nodes, pattern, '--to', site.target, '--launcher', 'local']);
}

function stateOf(site: Site, name: string): string | undefined {
  return site.report().nodes.find(({ node }) => node === name)?.state;
}
