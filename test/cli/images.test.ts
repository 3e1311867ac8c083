import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { openIndex } from '../../src/content/index-reader.ts';
import { KiB, makeSite, MiB, type Site } from './site.ts';

const CHUNK = 128 * KiB;

/** Lengths at which arithmetic of chunks goes wrong, if anywhere. */
const LENGTHS: Readonly<Record<string, number>> = {
  'empty.img': 0,
  'one byte.img': 1,
  'a byte short.img': CHUNK - 1,
  'one chunk.img': CHUNK,
  'four chunks.img': 4 * CHUNK,
  'four chunks and a byte.img': 4 * CHUNK + 1,
};

/** Names that shells, logs and file formats trip over. */
const NAMES = [
  'with space.img',
  ` 'single' "double" \`back\`.img`,
  'new\nline.img',
  'Bücher 虚拟机 🖥.img',
  '-w.img',
  '$(touch pwned);&.img',
  'back\\slash*[a].img',
];

void suite('awkward images', { concurrency: 2 }, () => {
  void test('`gather` brings images of every length, each with an index', async () => {
    const site = makeSite();
    for (const [name, length] of Object.entries(LENGTHS)) {
      for (const node of ['a1', 'a2']) site.image(node, length, name);
    }
    const { exitCode, stderr } = await site.run(words(site, '*.img'));
    assert.equal(exitCode, 0, stderr);
    for (const [name, length] of Object.entries(LENGTHS)) {
      site.assertSafe(['a1', 'a2'], name);
      const index = await openIndex(`${site.copyOf('a1', name)}.caibx`);
      assert.equal(index.shape.sizeBytes, length);
      assert.equal(index.chunkCount, Math.ceil(length / CHUNK));
      index.close();
    }
    assert.deepEqual(site.spooled(), []);
  });

  void test('`gather` brings images whatever they are called', async () => {
    const site = makeSite();
    for (const name of NAMES) site.image('a1', 20 * KiB, name);
    const { exitCode, stderr } = await site.run(words(site, '*'));
    assert.equal(exitCode, 0, stderr);
    for (const name of NAMES) site.assertSafe(['a1'], name);
    const copies = readdirSync(join(site.target, 'a1')).filter((name) => !name.endsWith('.caibx'));
    assert.deepEqual(copies.toSorted(), NAMES.toSorted());
  });

  void test('`gather` brings an image by its awkward name, globs in it and all', async () => {
    const site = makeSite();
    const name = `it's [1] & "{x}".img`;
    site.image('a1', 20 * KiB, name);
    const { exitCode, stderr } = await site.run(words(site, name));
    assert.equal(exitCode, 0, stderr);
    site.assertSafe(['a1'], name);
  });

  void test('`gather` keeps a sparse image sparse, and sends no zeros', async () => {
    const site = makeSite();
    const path = site.image('a1', MiB);
    truncateSync(path, 64 * MiB);
    site.image('a1', Buffer.alloc(4 * MiB), 'zeros.img');
    const { exitCode, stderr } = await site.run(words(site, '*.img'));
    assert.equal(exitCode, 0, stderr);
    site.assertSafe(['a1']);
    site.assertSafe(['a1'], 'zeros.img');
    for (const name of ['disk.img', 'zeros.img']) {
      assert.ok(statSync(site.copyOf('a1', name)).blocks * 512 <= 1.1 * MiB, `${name} is sparse`);
    }
    const { logicalBytes, dataBytes, frontendWireBytes } = site.report().summary;
    assert.equal(logicalBytes, 68 * MiB);
    assert.equal(dataBytes, MiB);
    assert.ok(frontendWireBytes < 1.1 * MiB, `${frontendWireBytes} B`);
  });

  void test('`gather` replaces {node}, also in the middle, and expands globs on the node', async () => {
    const site = makeSite();
    for (const node of ['a1', 'a2']) {
      for (const name of [`vm/${node}-sda.qcow2`, `vm/${node}-sdb.qcow2`, 'vm/notes.txt']) {
        site.image(node, 10 * KiB, name);
      }
    }
    const { exitCode, stderr } = await site.run(words(site, 'vm/{node}-sd[a-z].{qcow2,raw}'));
    assert.equal(exitCode, 0, stderr);
    for (const node of ['a1', 'a2']) {
      const names = readdirSync(join(site.target, node)).filter((n) => !n.endsWith('.caibx'));
      assert.deepEqual(names, [`${node}-sda.qcow2`, `${node}-sdb.qcow2`]);
      const copy = readFileSync(site.copyOf(node, `${node}-sda.qcow2`));
      assert.ok(copy.equals(readFileSync(site.pathOf(node, `vm/${node}-sda.qcow2`))));
    }
  });

  void test('`gather` gathers no image that would be mistaken for the index of another', async () => {
    const site = makeSite();
    for (const name of ['disk.img', 'disk.img.caibx', 'alone.caibx']) {
      site.image('a1', 20 * KiB, name);
    }
    const { exitCode, stderr } = await site.run(words(site, '*'));
    assert.equal(exitCode, 3, stderr);
    assert.match(
      stderr,
      /disk.img and .*disk.img.caibx from a1: both would become a1\/disk.img or/,
    );
    site.assertSafe(['a1'], 'alone.caibx');
    assert.deepEqual(readdirSync(join(site.target, 'a1')).toSorted(), [
      'alone.caibx',
      'alone.caibx.caibx',
    ]);
  });

  void test('`gather` says so when a name is too long for its temporary name', async () => {
    const site = makeSite();
    const long = `${'x'.repeat(250)}.img`;
    for (const name of ['disk.img', long]) site.image('a1', 20 * KiB, name);
    const { exitCode, stderr } = await site.run(words(site, '*.img'));
    assert.ok(exitCode === 3 || exitCode === 4, stderr);
    assert.match(stderr, /ENAMETOOLONG|too long/);
    assert.ok(stderr.split('\n').length < 12, stderr);
    site.assertNothingHalfDone();
  });

  void test('`gather` leaves alone what else lies in the target', async () => {
    const site = makeSite();
    site.image('a1', 10 * KiB);
    mkdirSync(join(site.target, 'a1'), { recursive: true });
    const mine = [site.copyOf('a1', 'notes.txt'), join(site.target, 'README')];
    for (const path of mine) writeFileSync(path, 'mine');
    assert.equal((await site.gather('a1')).exitCode, 0);
    for (const path of mine) assert.equal(readFileSync(path, 'utf8'), 'mine');
  });
});

/** The command for what the nodes of the site have by this name. */
function words(site: Site, name: string): string[] {
  const nodes = readdirSync(join(site.root, 'nodes')).join(',');
  const pattern = join(dirname(site.pattern), name);
  return ['gather', '-w', nodes, pattern, '--to', site.target, '--launcher', 'local'];
}
