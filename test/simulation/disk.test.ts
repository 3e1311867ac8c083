import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { diceOf } from '../../fuzz/dice.ts';
import { createDisk, type Disk, type DiskNode } from '../../simulation/machine/disk.ts';

const NONE_SURVIVES = { dice: diceOf('power'), survivingPercent: 0 };
const ALL_SURVIVES = { dice: diceOf('power'), survivingPercent: 100 };

function newDisk(capacityBytes = Infinity): Disk {
  return createDisk({ capacityBytes, nowMs: () => 0 });
}

function textOf(node: DiskNode | undefined): string | undefined {
  return node?.kind === 'file' ? node.content.toString() : undefined;
}

function written(disk: Disk, path: string, text: string): DiskNode {
  const file = disk.createFile(path, 0o600);
  disk.write(file, Buffer.from(text), 0);
  return file;
}

void suite('a simulated disk that loses power', () => {
  void test('keeps a file whose bytes and whose name were synced', () => {
    const disk = newDisk();
    disk.sync(written(disk, '/a', 'text'));
    disk.sync(disk.root);
    disk.losePower(NONE_SURVIVES);
    assert.equal(textOf(disk.find('/a')), 'text');
  });

  void test('loses a file whose bytes were synced, and whose name was not', () => {
    const disk = newDisk();
    disk.sync(written(disk, '/a', 'text'));
    disk.losePower(NONE_SURVIVES);
    assert.equal(disk.find('/a'), undefined);
  });

  void test('keeps the name of a file, and none of its bytes, when only the directory was synced', () => {
    const disk = newDisk();
    written(disk, '/a', 'text');
    disk.sync(disk.root);
    disk.losePower(NONE_SURVIVES);
    assert.equal(textOf(disk.find('/a')), '');
  });

  void test('has the old file under a name when a rename was not synced', () => {
    const disk = newDisk();
    disk.sync(written(disk, '/a', 'old'));
    disk.sync(written(disk, '/b', 'new'));
    disk.sync(disk.root);
    disk.rename('/b', '/a');
    assert.equal(textOf(disk.find('/a')), 'new');
    assert.equal(disk.findDurable('/a'), undefined, 'it may be either');
    disk.losePower(NONE_SURVIVES);
    assert.equal(textOf(disk.find('/a')), 'old');
    assert.equal(textOf(disk.find('/b')), 'new');
  });

  void test('may keep all that was not synced', () => {
    const disk = newDisk();
    written(disk, '/a', 'text');
    disk.losePower({ ...ALL_SURVIVES, dice: { ...ALL_SURVIVES.dice, oneIn: () => false } });
    assert.equal(textOf(disk.find('/a')), 'text');
  });

  void test('never gets what a failed sync was for, even if a later one succeeds', () => {
    const disk = newDisk();
    const file = written(disk, '/a', 'text');
    disk.sync(disk.root);
    disk.failSync(file);
    disk.sync(file);
    assert.equal(textOf(disk.find('/a')), 'text', 'readers see it');
    disk.losePower(ALL_SURVIVES);
    assert.equal(textOf(disk.find('/a')), '');
  });
});

void test('`write` takes what there is room for, then throws ENOSPC', () => {
  const disk = newDisk(8192);
  const file = disk.createFile('/a', 0o600);
  assert.equal(disk.write(file, Buffer.alloc(10_000), 0), 8192);
  assert.throws(() => disk.write(file, Buffer.alloc(1), 8192), { code: 'ENOSPC' });
  assert.equal(disk.write(file, Buffer.alloc(10), 0), 10, 'pages that are there can be written');
});
