import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { openFileTarget } from '../../src/agent/file-target.ts';
import type { Target } from '../../src/agent/image-place.ts';
import { openStoreTarget } from '../../src/agent/store-target.ts';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { createSeedTable } from '../../src/content/seed-table.ts';

const root = mkdtempSync(join(tmpdir(), 'kgetplus-target-'));
after(() => rmSync(root, { recursive: true, force: true }));

const image = { id: 'x', node: 'a1', path: '/vm/disk.img', sizeBytes: 0 };
const options = { shape: { sizeBytes: 0, chunkSizeBytes: 4096 }, neededBytes: 0 };

const targets: Readonly<Record<string, (directory: string) => Promise<Target>>> = {
  files: (directory) => openFileTarget(directory, createSeedTable(createOpenFiles())),
  store: (directory) => openStoreTarget({ layout: 'store', directory, run: 'run1', level: 1 }),
};

for (const [layout, open] of Object.entries(targets)) {
  void suite(`a target of the layout ${layout}`, () => {
    for (const [node, path] of [
      ['../elsewhere', '/vm/disk.img'],
      ['..', '/vm/disk.img'],
      ['.', '/vm/disk.img'],
      ['', '/vm/disk.img'],
      ['/etc', '/vm/disk.img'],
      ['a1', '/vm/..'],
      ['a1', '/'],
      ['a1', ''],
      ['a1', '/vm/a\0b'],
    ] as const) {
      const names = JSON.stringify([node, path]);
      void test(`refuses ${names}, which leads elsewhere`, async () => {
        const { place } = await open(root);
        const wanted = { code: 'protocol', message: /not a plain name/ };
        await assert.rejects(async () => place.land({ ...image, node, path }, options), wanted);
        await place.close();
      });
    }

    void test('removes an image that is dropped, once it has landed here', async () => {
      const directory = mkdtempSync(join(root, 'drop-'));
      const { place } = await open(directory);
      const files = (): string[] => globSync('**/disk.img*', { cwd: directory });
      place.drop(image.id);
      await (await place.land(image, options)).finish();
      await place.record(image);
      assert.ok(files().length > 0);
      place.drop('y');
      assert.ok(files().length > 0);
      place.drop(image.id);
      assert.deepEqual(files(), []);
      await place.close();
    });

    void test('is refused as `target-unwritable` when the directory is not there', async () => {
      await assert.rejects(async () => open(join(root, 'gone')), { code: 'target-unwritable' });
    });
  });
}

void test('`openFileTarget` lands an image as the file of that name of its node', async () => {
  const { place } = await openFileTarget(root, createSeedTable(createOpenFiles()));
  await (await place.land(image, options)).finish();
  assert.equal(statSync(join(root, 'a1/disk.img')).size, 0);
});

void test('`openStoreTarget` lands an image as an index below its run', async () => {
  const target = { layout: 'store', directory: root, run: 'run1', level: 1 } as const;
  const { place } = await openStoreTarget(target);
  await (await place.land(image, options)).finish();
  assert.equal(readFileSync(join(root, 'snapshots/run1/a1/disk.img.caibx')).length, 104);
  await place.close();
  const later = await openStoreTarget(target);
  assert.deepEqual(later.seeded, ['a1/disk.img']);
  await later.place.close();
});
