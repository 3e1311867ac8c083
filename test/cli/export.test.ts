import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { addExport } from '../../src/cli/export.ts';
import { drawImage, temporaryDirectory } from '../content/fixtures.ts';
import { runCommand } from '../restore/command.ts';
import { makeStore } from '../store/fixtures.ts';

const QEMU_IMG = 'qemu-img';
const RUN = '20260131T120000Z-00000a';

function missing(program: string): string | false {
  const found = spawnSync(program, ['--version']).error === undefined;
  return found ? false : `${program} is not installed`;
}
const noQemu = { skip: missing(QEMU_IMG) };

async function setUp(t: TestContext, image: Buffer, name = 'disk.img') {
  const store = await makeStore(t);
  await store.addSnapshot({ run: RUN, name, image });
  const out = temporaryDirectory(t);
  const to = join(out, 'made');
  const exportTo = (words: readonly string[], interrupt?: AbortSignal) => {
    const all = ['export', 'latest', '--store', store.place.directory, '--to', to, ...words];
    return runCommand(addExport, all, interrupt);
  };
  return { out, to, exportTo };
}

const IMAGE = Buffer.concat([drawImage(`ab${'.'.repeat(60)}c.`), Buffer.alloc(512, 'end')]);

void test('`export --format raw` makes the image itself', async (t) => {
  const { to, out, exportTo } = await setUp(t, IMAGE);
  const { exitCode, stdout, stderr } = await exportTo(['--format', 'raw']);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout, `${RUN}/a1/disk.img\t${to}\n`);
  assert.ok(readFileSync(to).equals(IMAGE));
  assert.deepEqual(readdirSync(out), ['made']);
});

for (const options of [[], ['--compress']]) {
  const what = ['`export --format qcow2', ...options].join(' ');
  void test(`${what}\` makes a disk that qemu-img reads back`, noQemu, async (t) => {
    const { to, out, exportTo } = await setUp(t, IMAGE);
    const { exitCode, stderr } = await exportTo(['--format', 'qcow2', ...options]);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(readdirSync(out), ['made']);
    assert.ok(rawOf(to, out).equals(IMAGE));
    const again = await exportTo(['--format', 'qcow2', ...options]);
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr, /--force/);
    const forced = await exportTo(['--format', 'qcow2', '--force', ...options]);
    assert.equal(forced.exitCode, 0, forced.stderr);
  });
}

/** The disk that a qcow2 file is. */
function rawOf(path: string, directory: string): Buffer {
  const raw = join(directory, 'raw');
  const words = ['convert', '-f', 'qcow2', '-O', 'raw', path, raw];
  const { status, stderr } = spawnSync(QEMU_IMG, words, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return readFileSync(raw);
}

function makeQcow2(directory: string, backing?: string): Buffer {
  const path = join(directory, 'x.qcow2');
  const backed = backing === undefined ? [] : ['-b', backing, '-F', 'raw', '-u'];
  const words = ['create', '-f', 'qcow2', ...backed, path, '1M'];
  const { status, stderr } = spawnSync(QEMU_IMG, words, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return readFileSync(path);
}

void test('`export` keeps a qcow2 file as it is, or compresses it', noQemu, async (t) => {
  const file = makeQcow2(temporaryDirectory(t));
  const { to, out, exportTo } = await setUp(t, file, 'disk.qcow2');
  assert.equal((await exportTo(['--format', 'qcow2'])).exitCode, 0);
  assert.ok(readFileSync(to).equals(file));
  const { exitCode, stderr } = await exportTo(['--format', 'qcow2', '--compress', '--force']);
  assert.equal(exitCode, 0, stderr);
  assert.equal(rawOf(to, out).length, 1024 * 1024, 'it is no qcow2 file in a qcow2 file');
});

void test('`export` refuses a qcow2 file that needs its backing file', noQemu, async (t) => {
  const file = makeQcow2(temporaryDirectory(t), '/etc/hostname');
  for (const words of [
    ['--format', 'oci'],
    ['--format', 'qcow2', '--compress'],
  ]) {
    const { out, exportTo } = await setUp(t, file, 'disk.qcow2');
    const { exitCode, stderr } = await exportTo(words);
    assert.equal(exitCode, 2);
    assert.match(stderr, /needs its backing file/);
    assert.deepEqual(readdirSync(out), []);
  }
});

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The bytes of a blob, whose digest and size are checked. */
function blob(layout: string, { digest, size }: Descriptor): Buffer {
  const bytes = readFileSync(join(layout, 'blobs', digest.replace(':', '/')));
  assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
  assert.equal(bytes.length, size);
  return bytes;
}

/** The tar archive in the only layer of the only image of a layout. */
function layerOf(layout: string): Buffer {
  const version = JSON.parse(readFileSync(join(layout, 'oci-layout'), 'utf8'));
  assert.deepEqual(version, { imageLayoutVersion: '1.0.0' });
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  assert.equal(index.schemaVersion, 2);
  const manifest = JSON.parse(blob(layout, index.manifests[0]).toString());
  const config = JSON.parse(blob(layout, manifest.config).toString());
  assert.equal(config.os, 'linux');
  assert.equal(config.created, '2026-01-31T12:00:00.000Z');
  const tar = gunzipSync(blob(layout, manifest.layers[0]));
  assert.deepEqual(config.rootfs, {
    type: 'layers',
    diff_ids: [`sha256:${createHash('sha256').update(tar).digest('hex')}`],
  });
  assert.equal(readdirSync(join(layout, 'blobs/sha256')).length, 3);
  return tar;
}

void test('`export --format oci` makes a containerDisk', { skip: missing('tar') }, async (t) => {
  const { to, out, exportTo } = await setUp(t, IMAGE);
  const { exitCode, stderr } = await exportTo(['--format', 'oci', '--arch', 'arm64']);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(readdirSync(out), ['made']);
  const tar = join(out, 'layer.tar');
  writeFileSync(tar, layerOf(to));
  const list = spawnSync('tar', ['--numeric-owner', '-tvf', tar], { encoding: 'utf8' });
  assert.equal(list.status, 0, list.stderr);
  const [directory, file] = list.stdout.split('\n');
  assert.match(directory ?? '', /^dr-xr-xr-x 107\/107 +0 1970-01-01 .* disk\/$/);
  assert.match(file ?? '', /^-r--r----- 107\/107 +\d+ 1970-01-01 .* disk\/disk\.img$/);
  assert.equal(spawnSync('tar', ['-C', out, '-xf', tar]).status, 0);
  assert.ok(readFileSync(join(out, 'disk/disk.img')).equals(IMAGE));
});

void test('`export --format oci` makes equal files of equal images', async (t) => {
  const { to, out, exportTo } = await setUp(t, randomBytes(500_000), 'disk');
  await exportTo(['--format', 'oci']);
  const first = readFileSync(join(to, 'index.json'), 'utf8');
  const blobs = readdirSync(join(to, 'blobs/sha256'));
  const refused = await exportTo(['--format', 'oci']);
  assert.equal(refused.exitCode, 2);
  const again = await exportTo(['--format', 'oci', '--force']);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.equal(readFileSync(join(to, 'index.json'), 'utf8'), first);
  assert.deepEqual(readdirSync(join(to, 'blobs/sha256')), blobs);
  assert.deepEqual(readdirSync(out), ['made']);
});

void test('`export --format oci --compress` packs a qcow2 file', noQemu, async (t) => {
  const { to, out, exportTo } = await setUp(t, IMAGE, 'disk.raw');
  const { exitCode, stderr } = await exportTo(['--format', 'oci', '--compress']);
  assert.equal(exitCode, 0, stderr);
  const tar = layerOf(to);
  assert.equal(tar.subarray(512, 512 + 16).toString(), 'disk/disk.qcow2\0');
  const file = join(out, 'x');
  const sizeBytes = parseInt(tar.subarray(512 + 124, 512 + 135).toString(), 8);
  writeFileSync(file, tar.subarray(1024, 1024 + sizeBytes));
  assert.ok(rawOf(file, out).equals(IMAGE));
});

void test('`export --format oci` replaces nothing but an image, even with --force', async (t) => {
  const { to, exportTo } = await setUp(t, IMAGE);
  mkdirSync(to);
  writeFileSync(join(to, 'mine'), 'x');
  const { exitCode } = await exportTo(['--format', 'oci', '--force']);
  assert.equal(exitCode, 2);
  assert.deepEqual(readdirSync(to), ['mine']);
});

void test('`export` leaves nothing of an oci image that was interrupted', async (t) => {
  const { out, exportTo } = await setUp(t, IMAGE);
  const { exitCode } = await exportTo(['--format', 'oci'], AbortSignal.abort());
  assert.equal(exitCode, 130);
  assert.deepEqual(readdirSync(out), []);
});

void test('`export` exits with 2 without a known format', async (t) => {
  const { to, exportTo } = await setUp(t, IMAGE);
  for (const words of [[], ['--format', 'vmdk']]) {
    assert.equal((await exportTo(words)).exitCode, 2);
    assert.equal(existsSync(to), false);
  }
});
