import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { temporaryDirectory } from '../content/fixtures.ts';

const COMMAND = join(import.meta.dirname, '../../bin/kgetplus.cjs');

/** A store with an image of one raw disk; its words go to the command of this checkout. */
function setUp(t: TestContext) {
  const root = temporaryDirectory(t);
  const disk = randomBytes(307_200);
  disk.writeUInt16LE(0xaa55, 510);
  writeFileSync(join(root, 'disk.img'), disk);
  const env = { ...process.env, KGETPLUS_STORE: join(root, 'store') };
  const run = (...words: readonly string[]) =>
    spawnSync(process.execPath, [COMMAND, ...words], { encoding: 'utf8', env, cwd: root });
  const imported = run('image', 'import', 'disk.img', '--name', 'disk', '--format', 'raw');
  assert.equal(imported.status, 0, imported.stderr);
  const push = (node: string, ...more: readonly string[]) =>
    run('image', 'push', 'disk', '-w', node, '--launcher', 'local', '--json', ...more);
  return { root, disk, run, push };
}

interface Pushed {
  readonly nodes: readonly {
    readonly filesPresent: number;
    readonly failure?: { readonly message: string };
  }[];
}

void suite('image push', () => {
  void test('`image push` brings an image to the cache of a node, once', (t) => {
    const { root, disk, push } = setUp(t);
    const place = ['--node-dir', join(root, 'node')];
    const first = push('n1', ...place);
    assert.equal(first.status, 0, first.stderr);
    const images = join(root, 'node/images');
    const file = readdirSync(images).find((name) => /^[0-9a-f]{64}$/.test(name));
    assert.ok(readFileSync(join(images, file ?? '')).equals(disk));
    const again = push('n1', ...place);
    assert.equal((JSON.parse(again.stdout) as Pushed).nodes[0]?.filesPresent, 1);
  });

  void test('`image push` exits with 4, and says why, when no node can have the image', (t) => {
    const { root, push } = setUp(t);
    writeFileSync(join(root, 'node'), 'a file');
    const { status, stdout } = push('n1', '--node-dir', join(root, 'node'));
    assert.equal(status, 4);
    assert.match((JSON.parse(stdout) as Pushed).nodes[0]?.failure?.message ?? '', /node/);
  });

  void test('`image push` exits with 4 when there is no such image', (t) => {
    const { run } = setUp(t);
    const { status, stderr } = run('image', 'push', 'disc', '-w', 'n1', '--launcher', 'local');
    assert.equal(status, 4);
    assert.match(stderr, /disk:latest/);
  });
});
