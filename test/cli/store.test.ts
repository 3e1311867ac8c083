import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readManifest } from '../../src/catalogue/manifest.ts';

import { assertSame, KiB, makeSite, MiB, SLOW, until, type Site } from './site.ts';

const nodes = ['a1', 'a2', 'a3', 'a4'];
const missing =
  spawnSync('casync', ['--version']).error === undefined ? false : 'casync is not installed';

function gatherIntoStore(site: Site, ...words: string[]) {
  return site.gather('a[1-4]', '--layout', 'store', ...words);
}

function runsOf(site: Site): string[] {
  return readdirSync(join(site.target, 'snapshots')).toSorted();
}

function chunksOf(site: Site): string[] {
  return globSync(join(site.target, 'store.castr/*/*.cacnk'));
}

/** Asserts that casync makes the images of the nodes from what a run has put into the store. */
function assertExtracted(site: Site, run: string): void {
  const store = `--store=${join(site.target, 'store.castr')}`;
  for (const node of nodes) {
    const index = join(site.target, 'snapshots', run, node, 'disk.img.caibx');
    const out = join(site.root, 'extracted');
    const { status, stderr } = spawnSync('casync', [store, 'extract', index, out]);
    assert.equal(status, 0, String(stderr));
    assertSame(out, site.pathOf(node));
    rmSync(out);
  }
}

/** Bytes that crossed the frontend's link in the last gather. */
function wireBytes(site: Site): number {
  return site.report().summary.frontendWireBytes;
}

void suite('gather --layout store', { concurrency: 2 }, () => {
  void test('keeps what casync extracts as it was on the nodes', { skip: missing }, async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB + 333);
    const { exitCode, stderr } = await gatherIntoStore(site);
    assert.equal(exitCode, 0, stderr);
    const [run = ''] = runsOf(site);
    assertExtracted(site, run);
    const manifest = readManifest(join(site.target, 'snapshots', run, 'manifest.json'));
    assert.deepEqual(manifest.images.map(({ node }) => node).toSorted(), nodes);
    assert.ok(manifest.images.every(({ sizeBytes }) => sizeBytes === 2 * MiB + 333));
    assert.ok(manifest.endedAt !== null);
    assert.deepEqual(manifest.missing, []);
    assert.equal(manifest.command[0], 'gather');
  });

  void test('fetches no chunk that the store has, whatever node or run it came from', async () => {
    const site = makeSite();
    const first = site.image('a1', 2 * MiB);
    for (const node of nodes.slice(1)) site.image(node, 64 * KiB);
    assert.equal((await gatherIntoStore(site)).exitCode, 0);
    const before = chunksOf(site).length;
    // Another node has the image of the first one now.
    spawnSync('cp', [first, site.pathOf('a2')]);
    const { exitCode, stderr } = await gatherIntoStore(site);
    assert.equal(exitCode, 0, stderr);
    assert.ok(wireBytes(site) < 32 * KiB, `${wireBytes(site)} B crossed the link`);
    assert.equal(chunksOf(site).length, before);
    assert.equal(runsOf(site).length, 2);
  });

  void test(
    'leaves a valid store when it is killed, and fetches only the rest',
    { skip: missing },
    async () => {
      const site = makeSite();
      for (const node of nodes) site.image(node, 2 * MiB);
      const alone = ['--orphan-timeout', '0s'];
      const running = site.startGather('a[1-4]', '--layout', 'store', ...alone, ...SLOW);
      await running.said(/is safe/);
      running.kill('SIGKILL');
      await running.ended;
      await until('no agent is left', () => site.processes().length === 0);
      const [run = ''] = runsOf(site);
      const { exitCode, stderr } = await gatherIntoStore(site);
      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, new RegExp(`continues run ${run}`));
      assert.deepEqual(runsOf(site), [run], 'a continued run keeps its name');
      assertExtracted(site, run);
      // Of both parts: each image once, and little more.
      assert.ok(wireBytes(site) < 8.5 * MiB, `${wireBytes(site)} B: what was safe came again`);
      const manifest = readManifest(join(site.target, 'snapshots', run, 'manifest.json'));
      assert.equal(manifest.images.length, 4);
      assert.deepEqual(readdirSync(join(site.target, '.kgetplus/staging')), []);
      assert.deepEqual(readdirSync(join(site.target, '.kgetplus/leases')), []);
    },
  );

  void test('leaves a valid store when it is interrupted', { skip: missing }, async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    const running = site.startGather('a[1-4]', '--layout', 'store', ...SLOW);
    await running.said(/is safe/);
    running.kill('SIGINT');
    assert.equal((await running.ended).exitCode, 130);
    const [run = ''] = runsOf(site);
    const path = join(site.target, 'snapshots', run, 'manifest.json');
    assert.equal(readManifest(path).endedAt, null);
    assert.equal((await gatherIntoStore(site)).exitCode, 0);
    assertExtracted(site, run);
    assert.ok(readManifest(path).endedAt !== null);
    assert.ok(readManifest(path).images.every((image) => image.wireBytes > 0));
  });

  void test('names in the manifest what is missing, and why', async () => {
    const site = makeSite();
    site.image('a1', KiB);
    const { exitCode } = await site.gather('a[1-2]', '--layout', 'store');
    assert.equal(exitCode, 3);
    const [run = ''] = runsOf(site);
    const manifest = readManifest(join(site.target, 'snapshots', run, 'manifest.json'));
    assert.deepEqual(
      manifest.missing.map(({ node, path }) => [node, path]),
      [['a2', site.pathOf('a2')]],
    );
    assert.match(manifest.missing[0]?.reason ?? '', /a2\/disk\.img/);
  });

  void test('is not continued in another layout while images are on other nodes only', async () => {
    const site = makeSite();
    for (const node of nodes) site.image(node, 2 * MiB);
    const running = site.startGather('a[1-4]', '--orphan-timeout', '0s', ...SLOW);
    await running.said(/released/);
    running.kill('SIGKILL');
    await running.ended;
    await until('no agent is left', () => site.processes().length === 0);
    const { exitCode, stderr } = await gatherIntoStore(site);
    assert.equal(exitCode, 2);
    assert.match(stderr, /--layout files.*stopped there.*--fresh/);
  });

  void test('a store that cannot be written is refused before anything is asked for', async () => {
    const site = makeSite();
    site.image('a1', KiB);
    assert.equal((await site.gather('a1', '--layout', 'store')).exitCode, 0);
    rmSync(join(site.target, 'store.castr'), { recursive: true });
    spawnSync('touch', [join(site.target, 'store.castr')]);
    const { exitCode, stderr } = await site.gather('a1', '--layout', 'store');
    assert.equal(exitCode, 4);
    assert.match(stderr, /Cannot open the store/);
    assert.ok(statSync(site.pathOf('a1')).size === KiB);
    assert.ok(!existsSync(join(site.target, '.kgetplus/lock')));
  });
});
