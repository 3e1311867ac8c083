import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { addRestore } from '../../src/cli/restore.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import { partPathOf } from '../../src/content/part-file.ts';
import { readLeases } from '../../src/store/lease.ts';
import { chunkOf, drawImage, temporaryDirectory } from '../content/fixtures.ts';
import { runCommand } from '../restore/command.ts';
import { makeStore } from '../store/fixtures.ts';

const RUN = '20260131T120000Z-00000a';
const LATER = '20260201T120000Z-00000b';

async function setUp(t: TestContext) {
  const store = await makeStore(t);
  const out = temporaryDirectory(t);
  const restore = (words: readonly string[], interrupt?: AbortSignal) =>
    runCommand(addRestore, ['restore', '--store', store.place.directory, ...words], interrupt);
  return { ...store, out, restore };
}

void test('`restore` writes one snapshot to a file, and gives its lease back', async (t) => {
  const { addSnapshot, restore, out, place } = await setUp(t);
  const image = drawImage('ab..c', 99);
  await addSnapshot({ run: RUN, image });
  const path = join(out, 'x.img');
  const { exitCode, stdout, stderr } = await restore([`${RUN}/a1/disk.img`, '--to', path]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout, `${RUN}/a1/disk.img\t${path}\n`);
  assert.ok(readFileSync(path).equals(image));
  assert.deepEqual(readLeases(place), []);
});

void test('`restore` writes several snapshots to DIR/NODE/IMAGE and lists them as JSON', async (t) => {
  const { addSnapshot, restore, out } = await setUp(t);
  const images = { a1: drawImage('ab'), a2: drawImage('.c', 5), b1: drawImage('d') };
  for (const [node, image] of Object.entries(images)) await addSnapshot({ run: RUN, node, image });
  const words = ['latest', '-w', 'a[1-2]', '--to', `${out}/new`, '--json'];
  const { exitCode, stdout, stderr } = await restore(words);
  assert.equal(exitCode, 0, stderr);
  const [a1, a2] = ['a1', 'a2'].map((node) => join(out, 'new', node, 'disk.img'));
  assert.deepEqual(JSON.parse(stdout), [
    {
      snapshot: `${RUN}/a1/disk.img`,
      path: a1,
      sizeBytes: 8192,
      writtenBytes: 8192,
      seededBytes: 0,
    },
    { snapshot: `${RUN}/a2/disk.img`, path: a2, sizeBytes: 4101, writtenBytes: 5, seededBytes: 0 },
  ]);
  assert.ok(readFileSync(a1 ?? '').equals(images.a1));
  assert.equal(existsSync(join(out, 'new/b1')), false);
});

void test('`restore` again after all went well is no error', async (t) => {
  const { addSnapshot, restore, out } = await setUp(t);
  await addSnapshot({ run: RUN, image: drawImage('abc') });
  await restore(['latest', '--to', `${out}/`]);
  const again = await restore(['latest', '--to', out, '--json']);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.match(again.stdout, /"writtenBytes": 0/);
});

void test('`restore` replaces another file with --force alone', async (t) => {
  const { addSnapshot, restore, out } = await setUp(t);
  const image = drawImage('abc');
  await addSnapshot({ run: RUN, image });
  const path = join(out, 'x.img');
  writeFileSync(path, 'mine');
  const refused = await restore(['latest', '--to', path]);
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /--force/);
  assert.equal(readFileSync(path, 'utf8'), 'mine');
  assert.equal((await restore(['latest', '--to', path, '--force'])).exitCode, 0);
  assert.ok(readFileSync(path).equals(image));
});

void test('`restore` takes chunks from a seed', async (t) => {
  const { addSnapshot, restore, out } = await setUp(t);
  await addSnapshot({ run: RUN, image: drawImage('abcd') });
  const seed = join(out, 'seed');
  writeFileSync(seed, drawImage('abxd'));
  const words = ['latest', '--to', join(out, 'x'), '--seed', seed, '--json'];
  const { exitCode, stdout } = await restore(words);
  assert.equal(exitCode, 0);
  assert.match(stdout, /"writtenBytes": 4096,\s+"seededBytes": 12288/);
});

void test('`restore` exits with 5 for a damaged chunk, and restores the others', async (t) => {
  const { addSnapshot, restore, out, place } = await setUp(t);
  const image = drawImage('abc');
  await addSnapshot({ run: RUN, node: 'a1', image });
  await addSnapshot({ run: RUN, node: 'a2', image: drawImage('ac') });
  const file = chunkFileOf(place.chunks, digestOf(chunkOf(image, 1)));
  const good = readFileSync(file);
  writeFileSync(file, Buffer.concat([good.subarray(0, -1), Buffer.from('?')]));
  const { exitCode, stderr, stdout } = await restore(['latest', '--to', out]);
  assert.equal(exitCode, 5, stderr);
  assert.match(stderr, /bytes 4096 to 8191 of snapshot .*a1.*verify --repair-from/);
  assert.match(stdout, /a2/);
  const path = join(out, 'a1/disk.img');
  assert.equal(existsSync(path), false);
  assert.ok(existsSync(partPathOf(path)));
  rmSync(file);
  assert.equal((await restore(['latest/a1', '--to', path])).exitCode, 5, 'it is missing');
  writeFileSync(file, good);
  assert.equal((await restore(['latest', '--to', out])).exitCode, 0);
  assert.ok(readFileSync(path).equals(image));
});

void test('`restore` finds chunks that prune is setting aside', async (t) => {
  const { addSnapshot, restore, out, place } = await setUp(t);
  const image = drawImage('ab');
  await addSnapshot({ run: RUN, image });
  const batch = join(place.trash, '20260131T120000Z-aaaaaa');
  mkdirSync(batch, { recursive: true });
  const digest = digestOf(chunkOf(image, 0));
  renameSync(chunkFileOf(place.chunks, digest), join(batch, `${digest.toString('hex')}.cacnk`));
  assert.equal((await restore(['latest', '--to', join(out, 'x')])).exitCode, 0);
  assert.ok(readFileSync(join(out, 'x')).equals(image));
});

void test('`restore` exits with 130 when it is interrupted, and says how to go on', async (t) => {
  const { addSnapshot, restore, out } = await setUp(t);
  await addSnapshot({ run: RUN, image: drawImage('abc') });
  const { exitCode, stderr } = await restore(['latest', '--to', out], AbortSignal.abort());
  assert.equal(exitCode, 130);
  assert.match(stderr, /run the same command again/);
  assert.equal(existsSync(join(out, 'a1/disk.img')), false);
});

void test('`restore` exits with 2 and writes nothing when it is used wrongly', async (t) => {
  const { addSnapshot, restore, out } = await setUp(t);
  await addSnapshot({ run: RUN, image: drawImage('a') });
  await addSnapshot({ run: LATER, image: drawImage('b') });
  for (const [words, message] of [
    [['nothing', '--to', out], /Cannot find snapshot "nothing"/],
    [[LATER, '--to', join(out, 'x'), '--seed', join(out, 'none')], /as a seed/],
    [[], /missing required argument/],
  ] as const) {
    const { exitCode, stderr } = await restore(words);
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, message);
  }
  const clash = await restore(['*/a1', '--to', out]);
  assert.notEqual(clash.exitCode, 0);
  assert.match(clash.stderr, /both would become/);
  assert.equal(existsSync(join(out, 'a1')), false);
});
