import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { partPathOf } from '../../src/content/part-file.ts';
import { restoreImage } from '../../src/restore/restore-image.ts';
import { noSmallDisk } from '../cli/small-disk.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { cutFixed, memoryChunks, writeCutIndex } from './fixtures.ts';

const CHUNK = 64 * 1024;
const MOUNT = 'mount';
const UMOUNT = 'umount';
const STUCK = join(import.meta.dirname, 'stuck-restore.ts');

async function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const cut = cutFixed(randomBytes(20 * CHUNK + 5), CHUNK);
  const indexPath = join(directory, 'x.caibx');
  writeCutIndex(indexPath, cut);
  const index = await openBlobIndex(indexPath);
  t.after(() => index.close());
  const chunks = memoryChunks(cut);
  const signal = new AbortController().signal;
  const restore = (path: string) =>
    restoreImage({ index, path, chunks, title: 'snapshot', force: false, seeds: [], signal });
  return { directory, cut, indexPath, chunks, restore };
}

void test('`restoreImage` goes on where a process was killed', async (t) => {
  const { directory, cut, indexPath, chunks, restore } = await setUp(t);
  const image = join(directory, 'image');
  writeFileSync(image, cut.image);
  const path = join(directory, 'out', 'disk.img');
  const child = spawn(process.execPath, [STUCK, indexPath, path, image, '7'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  assert.equal(child.exitCode, null, 'it waits');
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(existsSync(path), false);
  assert.ok(existsSync(partPathOf(path)));
  const restored = await restore(path);
  assert.ok(readFileSync(path).equals(cut.image));
  assert.equal(chunks.reads.length, 14);
  assert.equal(restored.seededBytes, 7 * CHUNK);
  assert.deepEqual(readdirSync(join(path, '..')), ['disk.img']);
});

/** A file system of this size, gone after the test. */
function smallDisk(t: TestContext, sizeBytes: number): string {
  const path = mkdtempSync(join(tmpdir(), 'kgetplus-test-'));
  const words = ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'kgetplus-test', path];
  assert.equal(spawnSync(MOUNT, words).status, 0);
  t.after(() => {
    spawnSync(UMOUNT, ['--lazy', path]);
    rmdirSync(path);
  });
  return path;
}

void test('`restoreImage` throws `no-room` before it reads', { skip: noSmallDisk() }, async (t) => {
  const { chunks, restore } = await setUp(t);
  const disk = smallDisk(t, 10 * CHUNK);
  await assert.rejects(restore(join(disk, 'x')), (error: Error) => {
    assert.match(error.message, /snapshot: 1.25 MiB needed, 6\d\d KiB free on /);
    return 'code' in error && error.code === 'no-room';
  });
  assert.deepEqual(chunks.reads, []);
  assert.deepEqual(readdirSync(disk), []);
});

void test(
  '`restoreImage` keeps its part when the disk gets full',
  { skip: noSmallDisk() },
  async (t) => {
    const { cut, chunks, restore } = await setUp(t);
    const disk = smallDisk(t, 30 * CHUNK);
    const other = join(disk, 'other');
    // Another process fills the disk meanwhile.
    chunks.onRead = () => {
      if (!existsSync(other)) writeFileSync(other, Buffer.alloc(15 * CHUNK));
    };
    await assert.rejects(restore(join(disk, 'x')), { code: 'no-room' });
    assert.deepEqual(readdirSync(disk).toSorted(), ['.x.kgetplus-part', 'other']);
    rmSync(other);
    chunks.onRead = undefined;
    const restored = await restore(join(disk, 'x'));
    assert.ok(restored.seededBytes > 0);
    assert.ok(readFileSync(join(disk, 'x')).equals(cut.image));
  },
);
