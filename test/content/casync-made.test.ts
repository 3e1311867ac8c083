import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type BlobIndex, openBlobIndex } from '../../src/content/blob-index.ts';
import { chunkFileOf, digestOfChunkFile } from '../../src/content/chunk-name.ts';
import { unpackChunk } from '../../src/content/unpack-chunk.ts';
import { hasZstd } from '../../src/content/zstd.ts';
import { temporaryDirectory } from './fixtures.ts';

const CASYNC = 'casync';

const missing =
  spawnSync(CASYNC, ['--version']).error === undefined
    ? hasZstd
      ? false
      : 'this Node.js has no zstd'
    : 'casync is not installed';

/** Whether this casync was built to compress in this way. */
function isKnown(compression: string): boolean {
  const args = [`--compression=${compression}`, '--version'];
  return missing === false && spawnSync(CASYNC, args).status === 0;
}

/** Bytes that do not compress and look the same each time, then some that do, then zeros. */
function makeImage(sizeBytes: number): Buffer {
  const image = Buffer.alloc(sizeBytes);
  const noisy = Math.floor(sizeBytes / 2);
  for (let at = 0; at < noisy; at += 32) {
    const noise = createHash('sha256').update(String(at)).digest();
    noise.copy(image, at, 0, Math.min(32, noisy - at));
  }
  return image.fill('the same again ', noisy, Math.floor(sizeBytes * 0.7));
}

async function make(t: TestContext, image: Buffer, options: readonly string[]) {
  const directory = temporaryDirectory(t);
  const store = join(directory, 'store.castr');
  const [file, path] = [join(directory, 'image'), join(directory, 'image.caibx')];
  writeFileSync(file, image);
  const args = ['make', ...options, `--store=${store}`, path, file];
  const { status, stderr } = spawnSync(CASYNC, args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stderr);
  const index = await openBlobIndex(path);
  t.after(() => index.close());
  return { index, store };
}

async function assertRestores(made: { index: BlobIndex; store: string }, image: Buffer) {
  const { index, store } = made;
  assert.equal(index.sizeBytes, image.length);
  const plain: Buffer[] = [];
  const named = new Set<string>();
  for (const [position, chunk] of index.read(0, index.chunkCount).entries()) {
    const file = chunkFileOf(store, chunk.digest);
    plain.push(unpackChunk(readFileSync(file), chunk));
    named.add(chunk.digest.toString('hex'));
    assert.equal(index.find(chunk.offset), position);
    assert.equal(index.find(chunk.offset + chunk.lengthBytes - 1), position);
  }
  assert.ok(Buffer.concat(plain).equals(image));
  const found = globSync('*/*', { cwd: store }).map((name) => digestOfChunkFile(basename(name)));
  assert.deepEqual(new Set(found.map((digest) => digest?.toString('hex'))), named);
}

const DEFAULT = { algorithm: 'sha512-256', isFixed: false, chunkBytes: bounds(16, 64, 256) };

const MADE: readonly [string, readonly string[], object][] = [
  ['as it does by default', [], DEFAULT],
  ['by SHA-256', ['--digest=sha256'], { ...DEFAULT, algorithm: 'sha256' }],
  ['by SHA-512/256', ['--digest=sha512-256'], DEFAULT],
  ['of larger chunks', ['--chunk-size=131072'], { ...DEFAULT, chunkBytes: bounds(32, 128, 512) }],
  [
    'of chunks in narrow bounds',
    ['--chunk-size=28672:32768:40960'],
    { ...DEFAULT, chunkBytes: bounds(28, 32, 40) },
  ],
  [
    'of fixed chunks',
    ['--chunk-size=131072:131072:131072', '--digest=sha256'],
    { algorithm: 'sha256', isFixed: true, chunkBytes: bounds(128, 128, 128) },
  ],
  ['with submounts left out', ['--exclude-submounts=yes', '--exclude-file=no'], DEFAULT],
];

function bounds(minKiB: number, avgKiB: number, maxKiB: number) {
  return { min: minKiB * 1024, avg: avgKiB * 1024, max: maxKiB * 1024 };
}

for (const [how, options, wanted] of MADE) {
  void test(`\`openBlobIndex\` reads what casync makes ${how}`, { skip: missing }, async (t) => {
    const image = makeImage(8 * 1024 * 1024 + 777);
    const made = await make(t, image, options);
    const { algorithm, isFixed, chunkBytes } = made.index;
    assert.deepEqual({ algorithm, isFixed, chunkBytes }, wanted);
    await assertRestores(made, image);
  });
}

for (const sizeBytes of [0, 1, 16 * 1024, 256 * 1024]) {
  const what = `an image of ${sizeBytes} B`;
  void test(
    `\`openBlobIndex\` reads what casync makes of ${what}`,
    { skip: missing },
    async (t) => {
      const image = makeImage(sizeBytes);
      const made = await make(t, image, []);
      await assertRestores(made, image);
    },
  );
}

for (const compression of ['zstd', 'gzip', 'xz']) {
  const skip = isKnown(compression) ? false : missing || `this casync has no ${compression}`;
  void test(`\`unpackChunk\` is right about casync's ${compression}`, { skip }, async (t) => {
    const image = makeImage(1024 * 1024);
    const made = await make(t, image, [`--compression=${compression}`]);
    if (compression === 'xz') {
      const refusal = { code: 'source-unreadable', message: /by xz/ };
      await assert.rejects(assertRestores(made, image), refusal);
    } else {
      await assertRestores(made, image);
    }
  });
}

void test('`openBlobIndex` names what it is when casync made an archive', async (t) => {
  if (missing !== false) return t.skip(missing);
  const directory = temporaryDirectory(t);
  const path = join(directory, 'files.caidx');
  const args = ['make', `--store=${join(directory, 'store.castr')}`, path, import.meta.dirname];
  const { status, stderr } = spawnSync(CASYNC, args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stderr);
  await assert.rejects(openBlobIndex(path), { code: 'corrupt', message: /archive of files/ });
});
