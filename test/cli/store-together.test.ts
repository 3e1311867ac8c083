import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { assertSame, makeSite, MiB, until, type Site } from './site.ts';

/** Rounds in each of which all commands work on one store at the same time. */
const ROUNDS = 3;

const hasNbdcopy = spawnSync('nbdcopy', ['--version']).error === undefined;

async function command(site: Site, ...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await site.start(words).ended;
  assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
}

async function gatherAgain(site: Site): Promise<void> {
  const { exitCode, stderr } = await site.startGather('a1', '--layout', 'store').ended;
  assert.equal(exitCode, 0, stderr);
}

/** An image most of which is like that of the round before. */
function nextImage(site: Site, round: number): void {
  const path = site.pathOf('a1');
  const image = existsSync(path) ? readFileSync(path) : Buffer.alloc(2 * MiB, 'start');
  for (let at = 0; at < 4; at += 1) {
    const from = ((5 * round + at) % 16) * 128 * 1024;
    image.fill(`round ${round} ${at}`, from, from + 100_000);
  }
  writeFileSync(path, image);
}

void suite('the commands of a store, at the same time', () => {
  void test('prune loses nothing that gather, restore and serve need', async () => {
    const site = makeSite();
    const store = ['--store', site.target];
    const originals = join(site.root, 'originals');
    mkdirSync(originals);
    site.image('a1', Buffer.alloc(2 * MiB, 'start'));
    nextImage(site, 0);
    await gatherAgain(site);
    for (let round = 1; round <= ROUNDS; round += 1) {
      spawnSync('cp', [site.pathOf('a1'), join(originals, `${round}`)]);
      const socket = join(site.root, `${round}.sock`);
      // What is served is forgotten while it is served.
      const serving = site.start(['serve', 'latest/a1/disk.img', '--socket', socket, ...store]);
      site.atEnd(() => serving.kill('SIGKILL'));
      await until('the snapshot is served', () => existsSync(socket));
      nextImage(site, round);
      const restored = join(site.root, `restored-${round}`);
      await Promise.all([
        command(site, 'restore', 'latest/a1/disk.img', '--to', restored, ...store),
        gatherAgain(site),
        command(site, 'prune', '--keep-last', '1', '--grace', '0h', ...store),
      ]);
      await command(site, 'prune', '--keep-last', '1', '--grace', '0h', ...store);
      assertSame(restored, join(originals, `${round}`));
      if (hasNbdcopy) await assertServed(socket, join(originals, `${round}`));
      serving.kill('SIGINT');
      assert.equal((await serving.ended).exitCode, 0);
      await command(site, 'verify', ...store);
    }
    const last = join(site.root, 'last');
    await command(site, 'restore', 'latest', '--to', last, ...store);
    assertSame(last, site.pathOf('a1'));
    // With nobody there any more all that nothing needs is removed, and only that.
    await command(site, 'prune', '--keep-last', '1', '--grace', '0h', ...store);
    await command(site, 'prune', '--grace', '0h', ...store);
    assert.deepEqual(globSync(join(site.target, '.kgetplus/trash/*')), []);
    assert.equal(globSync(join(site.target, 'snapshots/*/*/*.caibx')).length, 1);
    await command(site, 'verify', ...store);
  });
});

async function assertServed(socket: string, original: string): Promise<void> {
  const copy = `${original}.served`;
  const child = spawn('nbdcopy', [`nbd+unix:///?socket=${socket}`, copy], { stdio: 'inherit' });
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assertSame(copy, original);
}
