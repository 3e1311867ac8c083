import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { createSeedTable } from '../../src/content/seed-table.ts';
import { openSpool, type Spool } from '../../src/agent/spool.ts';
import { partPathOf } from '../../src/content/part-file.ts';
import { indexPathOf } from '../../src/content/seed-file.ts';
import type { ImageName } from '../../src/control/messages.ts';

const places: string[] = [];
after(() => {
  for (const path of places) rmSync(path, { recursive: true, force: true });
});

const image: ImageName = { id: 'a1:/vm/disk', node: 'a1', path: '/vm/disk', sizeBytes: 5 };
const other: ImageName = { ...image, id: 'a2:/vm/disk', node: 'a2' };

const seeds = createSeedTable(createOpenFiles());

void suite('openSpool', () => {
  void test('`kept` names what was recorded, also when the spool is opened again', async () => {
    const root = place();
    const spool = open(root);
    assert.deepEqual(spool.kept(), []);
    await store(spool, image);
    await store(spool, other);
    assert.deepEqual(
      spool
        .kept()
        .map(({ id }) => id)
        .toSorted(),
      [image.id, other.id],
    );
    await spool.close();
    assert.deepEqual(open(root).kept().length, 2);
  });

  void test('`kept` names nothing of another target or node', async () => {
    const root = place();
    await store(open(root), image);
    assert.deepEqual(openSpool({ seeds, root, targetKey: 'other', node: 'b1' }).kept(), []);
    assert.deepEqual(openSpool({ seeds, root, targetKey: 'key', node: 'b2' }).kept(), []);
  });

  void test('`kept` leaves out what was put down but not recorded', () => {
    const spool = open(place());
    putDown(spool, image);
    assert.deepEqual(spool.kept(), []);
  });

  void test('`kept` leaves out what is torn, foreign or not whole', async () => {
    const spool = open(place());
    const damages: readonly ((path: string) => void)[] = [
      (path) => writeFileSync(`${path}.json`, '{"id":"a1:/vm'),
      (path) => writeFileSync(`${path}.json`, '{"hello":"world"}'),
      (path) => writeFileSync(`${path}.json`, ''),
      (path) => rmSync(path),
      (path) => truncateSync(path, 4),
      (path) => rmSync(indexPathOf(path)),
    ];
    for (const damage of damages) {
      await store(spool, image);
      await store(spool, other);
      damage(spool.pathOf(image));
      assert.deepEqual(spool.kept(), [other]);
    }
    writeFileSync(join(spool.directory, 'notes.json'), JSON.stringify(image));
    rmSync(spool.pathOf(image), { force: true });
    assert.deepEqual(spool.kept(), [other]);
  });

  void test('`drop` removes all of one image, parts included, and may be called again', async () => {
    const spool = open(place());
    await store(spool, image);
    await store(spool, other);
    const part = partPathOf(spool.pathOf(image));
    for (const path of [part, indexPathOf(part)]) writeFileSync(path, 'part');
    spool.drop(image.id);
    spool.drop(image.id);
    assert.deepEqual(spool.kept(), [other]);
    assert.equal(filesIn(spool).length, 3);
  });

  void test('`empty` removes everything, and `close` the directories that are empty', async () => {
    const root = place();
    const spool = open(root);
    await store(spool, image);
    writeFileSync(partPathOf(spool.pathOf(other)), 'part');
    spool.empty();
    assert.deepEqual(spool.kept(), []);
    await spool.close();
    assert.deepEqual(readdirSync(root), []);
  });

  void test('`close` keeps images, and removes what was only for this run', async () => {
    const root = place();
    const spool = open(root);
    await store(spool, image);
    writeFileSync(join(spool.scratch, 'index'), 'growing');
    await spool.close();
    assert.equal(existsSync(spool.scratch), false);
    assert.deepEqual(open(root).kept(), [image]);
  });

  void test('`openSpool` empties what a killed agent left in its scratch directory', () => {
    const root = place();
    writeFileSync(join(open(root).scratch, 'index'), 'growing');
    assert.deepEqual(readdirSync(open(root).scratch), []);
  });

  void test('`openSpool` keeps the spool of a node with an awkward name within its root', async () => {
    const root = place();
    const spool = openSpool({ seeds, root, targetKey: 'key', node: '../../up' });
    assert.ok(spool.directory.startsWith(join(root, 'key')));
    await store(spool, image);
    assert.ok(spool.pathOf(image).startsWith(join(root, 'key')));
    assert.deepEqual(spool.kept(), [image]);
    for (const node of ['..', '.']) {
      const awkward = openSpool({ seeds, root, targetKey: 'key', node });
      assert.ok(awkward.directory.startsWith(`${join(root, 'key')}/`), awkward.directory);
      await awkward.close();
    }
  });

  void test('`openSpool` refuses a directory in which others can write', async () => {
    const root = place();
    await open(root).close();
    for (const path of [join(root, 'key'), join(root, 'key/b1')]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
      assert.throws(() => open(root), { code: 'target-unwritable', message: /others can write/ });
      chmodSync(path, 0o700);
    }
    await open(root).close();
  });

  void test('`openSpool` throws `target-unwritable` when a file is in the way', () => {
    const root = join(place(), 'file');
    writeFileSync(root, 'mine');
    assert.throws(() => open(root), { code: 'target-unwritable', message: /--spool/ });
  });
});

function place(): string {
  const path = mkdtempSync(join(tmpdir(), 'kgetplus-spool-'));
  places.push(path);
  return path;
}

function open(root: string): Spool {
  return openSpool({ seeds, root, targetKey: 'key', node: 'b1' });
}

/** What a landing leaves: the file and its index. */
function putDown(spool: Spool, name: ImageName): void {
  writeFileSync(spool.pathOf(name), '12345');
  writeFileSync(indexPathOf(spool.pathOf(name)), 'index');
}

async function store(spool: Spool, name: ImageName): Promise<void> {
  putDown(spool, name);
  await spool.record(name);
}

function filesIn(spool: Spool): string[] {
  return readdirSync(spool.directory).filter((entry) => entry !== 'scratch');
}
