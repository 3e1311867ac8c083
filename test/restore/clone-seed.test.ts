import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { restoreImage } from '../../src/restore/restore-image.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { cutFixed, memoryChunks, writeCutIndex } from './fixtures.ts';

const CHUNK = 64 * 1024;
const MOUNT = 'mount';
const UMOUNT = 'umount';

/** What makes file systems whose files share blocks, and how small they may be. */
const MAKERS = [
  { words: ['mkfs.btrfs', '-q'], sizeBytes: 160 * 1024 ** 2 },
  { words: ['mkfs.xfs', '-q', '-m', 'reflink=1'], sizeBytes: 320 * 1024 ** 2 },
] as const;

/** A directory where files can share blocks; undefined if none can be made here. */
function cloningDirectory(t: TestContext): string | undefined {
  const directory = temporaryDirectory(t);
  if (canClone(directory)) return directory;
  for (const { words, sizeBytes } of MAKERS) {
    const disk = join(directory, 'disk');
    writeFileSync(disk, '');
    truncateSync(disk, sizeBytes);
    const path = mkdtempSync(join(tmpdir(), 'kgetplus-test-'));
    const [program, ...options] = words;
    const made = spawnSync(program, [...options, disk]);
    const mounted = made.status === 0 && spawnSync(MOUNT, ['-o', 'loop', disk, path]).status === 0;
    t.after(() => {
      if (mounted) spawnSync(UMOUNT, ['--lazy', path]);
      rmdirSync(path);
    });
    if (mounted && canClone(path)) return path;
  }
  return undefined;
}

function canClone(directory: string): boolean {
  const file = join(directory, 'one');
  writeFileSync(file, 'x');
  try {
    copyFileSync(file, join(directory, 'two'), constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  }
}

void test('`restoreImage` shares blocks with a seed where it can', async (t) => {
  const directory = cloningDirectory(t);
  if (directory === undefined) {
    t.skip('no file system here shares blocks between files, and none can be made');
    return;
  }
  const old = randomBytes(256 * CHUNK);
  const image = Buffer.concat([old, randomBytes(5)]);
  image.fill('new', 3 * CHUNK, 5 * CHUNK);
  image.fill(0, 20 * CHUNK, 21 * CHUNK);
  const seed = join(directory, 'seed.img');
  writeFileSync(seed, old);
  const cut = cutFixed(image, CHUNK);
  const indexPath = join(directory, 'x.caibx');
  writeCutIndex(indexPath, cut);
  const index = await openBlobIndex(indexPath);
  t.after(() => index.close());
  spawnSync('sync', ['--file-system', directory]);
  const before = statfsSync(directory);
  const chunks = memoryChunks(cut);
  mkdirSync(join(directory, 'out'));
  const path = join(directory, 'out', 'disk.img');
  const restored = await restoreImage({
    index,
    path,
    chunks,
    title: 'snapshot',
    force: false,
    seeds: [seed],
    signal: new AbortController().signal,
  });
  assert.ok(readFileSync(path).equals(image));
  assert.ok(readFileSync(seed).equals(old));
  assert.equal(restored.seededBytes, 253 * CHUNK);
  assert.equal(chunks.reads.length, 3);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  spawnSync('sync', ['--file-system', directory]);
  const after = statfsSync(directory);
  const usedBytes = (before.bfree - after.bfree) * after.bsize;
  assert.ok(usedBytes < 64 * CHUNK, `${usedBytes} B more are used`);
});
