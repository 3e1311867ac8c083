import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { cpioArchive } from '../../src/machine-image/build/cpio.ts';
import { neededModules } from '../../src/machine-image/build/modules.ts';
import { scratchDirectory } from './build-setup.ts';

function writeModules(directory: string, modules: Readonly<Record<string, string>>): void {
  for (const [file, depends] of Object.entries(modules)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), `ELF\0license=GPL\0depends=${depends}\0name=x\0`);
  }
}

const COMPLETE = {
  'kernel/a/virtio_pci.ko': 'virtio,virtio-ring',
  'kernel/a/virtio.ko': '',
  'kernel/a/virtio_ring.ko': 'virtio',
  'kernel/b/virtio_blk.ko': 'virtio_ring',
  'kernel/b/virtio_console.ko': 'virtio',
  'kernel/b/unrelated.ko': '',
};

void suite('neededModules', () => {
  void test('`neededModules` puts each module behind those that it needs', () => {
    using scratch = scratchDirectory();
    writeModules(scratch.path, COMPLETE);
    writeFileSync(join(scratch.path, 'modules.builtin'), 'kernel/fs/ext4/ext4.ko\n');
    const names = neededModules(scratch.path).map(({ name }) => name);
    const wanted = ['virtio', 'virtio_ring', 'virtio_pci', 'virtio_blk', 'virtio_console'];
    assert.deepEqual(names, wanted);
  });

  void test('`neededModules` refuses when a module is missing or compressed', () => {
    using scratch = scratchDirectory();
    writeModules(scratch.path, COMPLETE);
    writeFileSync(join(scratch.path, 'modules.builtin'), '');
    const refuses = (message: RegExp): void =>
      assert.throws(
        () => neededModules(scratch.path),
        (error) =>
          error instanceof KgetError && error.code === 'usage' && message.test(error.message),
      );
    refuses(/no ext4 there/);
    writeModules(scratch.path, { 'kernel/fs/ext4.ko.xz': '' });
    refuses(/ext4\.ko\.xz: it is compressed/);
  });

  void test('`neededModules` is empty when the kernel has all built in', () => {
    assert.deepEqual(neededModules(null), []);
  });
});

void suite('cpioArchive', () => {
  void test('`cpioArchive` writes headers, names and data as newc has them', () => {
    const data = Buffer.from('hello');
    const archive = cpioArchive([
      { kind: 'directory', name: 'bin' },
      { kind: 'file', name: 'bin/a', data, mode: 0o755 },
      { kind: 'link', name: 'bin/b', target: 'a' },
      { kind: 'character-device', name: 'console', major: 5, minor: 1 },
    ]);
    assert.deepEqual(readArchive(archive), [
      { name: 'bin', mode: 0o040755, data: '', device: [0, 0] },
      { name: 'bin/a', mode: 0o100755, data: 'hello', device: [0, 0] },
      { name: 'bin/b', mode: 0o120777, data: 'a', device: [0, 0] },
      { name: 'console', mode: 0o020600, data: '', device: [5, 1] },
      { name: 'TRAILER!!!', mode: 0, data: '', device: [0, 0] },
    ]);
  });
});

/** Written after the kernel's description of the format, not after what is tested. */
function readArchive(archive: Buffer): readonly object[] {
  const entries: object[] = [];
  for (let at = 0; at < archive.length;) {
    assert.equal(archive.toString('latin1', at, at + 6), '070701');
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const nameEnd = at + 110 + field(11);
    const name = archive.toString('utf8', at + 110, nameEnd - 1);
    const start = aligned(nameEnd);
    const data = archive.toString('utf8', start, start + field(6));
    entries.push({ name, mode: field(1), data, device: [field(9), field(10)] });
    at = aligned(start + field(6));
  }
  return entries;
}

function aligned(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}
