import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { openTargetPlace } from '../../src/agent/target.ts';

const root = mkdtempSync(join(tmpdir(), 'kgetplus-target-'));
after(() => rmSync(root, { recursive: true, force: true }));

const image = { id: 'x', node: 'a1', path: '/vm/disk.img', sizeBytes: 1 };

void suite('openTargetPlace', () => {
  void test('`pathOf` is the directory of the node and the name of the file', () => {
    assert.equal(openTargetPlace(root).pathOf(image), join(root, 'a1/disk.img'));
  });

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
    void test(`\`pathOf\` throws \`protocol\` for ${names}, which leads elsewhere`, () => {
      const place = openTargetPlace(root);
      const wanted = { code: 'protocol', message: /not a plain name/ };
      assert.throws(() => place.pathOf({ ...image, node, path }), wanted);
    });
  }

  void test('`openTargetPlace` throws `target-unwritable` when the directory is not there', () => {
    assert.throws(() => openTargetPlace(join(root, 'gone')), { code: 'target-unwritable' });
  });
});
