import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { readCatalogue } from '../../src/catalogue/catalogue.ts';
import { KgetError } from '../../src/base/error.ts';
import { digestOf } from '../../src/content/digest.ts';
import { imageId } from '../../src/machine-image/image-id.ts';
import { readImages } from '../../src/machine-image/images.ts';
import { IMAGE_CHUNK_BYTES } from '../../src/machine-image/new-run.ts';
import { drawDisk, kernelSource, sampleImages } from './sample-image.ts';

const STUCK = join(import.meta.dirname, 'stuck-store.ts');

/** What the formats say a part's digest is. */
function partDigest(bytes: Buffer): string {
  const digests = Array.from({ length: Math.ceil(bytes.length / IMAGE_CHUNK_BYTES) }, (_, at) =>
    digestOf(bytes.subarray(at * IMAGE_CHUNK_BYTES, (at + 1) * IMAGE_CHUNK_BYTES)),
  );
  return digestOf(Buffer.concat(digests)).toString('hex');
}

void suite('storeImage', () => {
  void test('`storeImage` makes a run with all parts, tags and a manifest', async (t) => {
    const images = sampleImages(t);
    const { stored, isNew } = await images.store('abc', kernelSource(images, 'abc'));
    assert.ok(isNew);
    assert.deepEqual(stored.tags, ['tiny:latest']);
    const { parts } = stored.image;
    assert.deepEqual(
      parts.map(({ role, name, sizeBytes }) => [role, name, sizeBytes]),
      [
        ['disk', 'disk.img', 3 * IMAGE_CHUNK_BYTES],
        ['kernel', 'vmlinuz', 200_000],
        ['initramfs', 'initramfs', 70_000],
      ],
    );
    assert.equal(parts[0]?.digest, partDigest(drawDisk('abc')));
    assert.equal(parts[1]?.digest, partDigest(readFileSync(join(images.root, 'vmlinuz'))));
    const { images: read, warnings } = readImages(images.place);
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      read.map(({ image }) => image),
      [stored.image],
    );
    const [run] = readCatalogue(images.place).runs;
    assert.equal(run?.id, stored.run);
    assert.deepEqual(run?.manifest?.tags, ['image']);
    assert.deepEqual(
      run?.snapshots.map(({ id }) => id).toSorted(),
      parts.map(stored.snapshotIdOf).toSorted(),
    );
    assert.equal(run?.snapshots[0]?.indexPath, stored.indexPathOf(parts[0] ?? assert.fail()));
  });

  void test('`storeImage` adds nothing but tags when the content is there', async (t) => {
    const images = sampleImages(t);
    const first = await images.store('abca');
    const before = [images.chunks(), images.runs()];
    const again = await images.store('abca', { name: 'other' });
    assert.equal(again.isNew, false);
    assert.equal(again.stored.image.id, first.stored.image.id);
    assert.deepEqual(again.stored.tags, ['other:latest', 'tiny:latest']);
    assert.equal(again.stored.run, first.stored.run);
    assert.deepEqual([images.chunks(), images.runs()], before);
  });

  void test('`storeImage` shares chunks between images and moves a tag to the newest', async (t) => {
    const images = sampleImages(t);
    await images.store('abc');
    assert.equal(images.chunks().length, 3);
    const second = await images.store('abd');
    assert.equal(images.chunks().length, 4);
    const { images: read } = readImages(images.place);
    assert.deepEqual(
      read.map(({ tags }) => tags),
      [[], ['tiny:latest']],
    );
    assert.equal(read[1]?.image.id, second.stored.image.id);
  });

  void test('`storeImage` leaves nothing under a final name when it is stopped', async (t) => {
    const images = sampleImages(t);
    const stop = new AbortController();
    const stopped = images.store('abcdefgh', kernelSource(images, 'abcdefgh'), {
      signal: stop.signal,
      onBegin: (name) => name === 'vmlinuz' && stop.abort(),
    });
    await assert.rejects(stopped, { code: 'cancelled' });
    assert.deepEqual(images.runs(), []);
    assert.deepEqual(readImages(images.place).images, []);
    const stored = images.chunks();
    assert.equal(stored.length, 8);
    const again = await images.store('abcdefgh');
    assert.ok(again.isNew);
    assert.deepEqual(images.chunks(), stored);
  });

  void test('`storeImage` goes on after a process that was killed', async (t) => {
    const images = sampleImages(t);
    const disk = images.disk('x.img', 'abcdefgh');
    const { directory } = images.place;
    const words = [STUCK, directory, disk, String(5 * IMAGE_CHUNK_BYTES)];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    assert.equal(child.exitCode, null, 'it waits');
    assert.equal(images.runs().length, 1);
    // Another one does not take what belongs to a process that is alive for left over.
    await images.store('xy');
    assert.equal(images.runs().length, 2);
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.equal(readImages(images.place).images.length, 1);
    await images.store('abcdefgh');
    assert.deepEqual(images.runs().toSorted(), [
      '20260131T120000Z-000001',
      '20260131T120000Z-000002',
    ]);
  });

  void test('`storeImage` makes one image when two store the same at once', async (t) => {
    const images = sampleImages(t);
    const both = await Promise.all([images.store('abc'), images.store('abc')]);
    assert.deepEqual(new Set(both.map(({ isNew }) => isNew)), new Set([false, true]));
    assert.equal(images.runs().length, 1);
  });

  void test('`storeImage` throws `source-changed` when a file changes meanwhile', async (t) => {
    const images = sampleImages(t);
    const path = join(images.root, 'abcdefgh.img');
    const changing = images.store('abcdefgh', {}, { onBegin: () => appendFileSync(path, 'x') });
    await assert.rejects(changing, { code: 'source-changed' });
    assert.deepEqual(images.runs(), []);
  });

  void test('`storeImage` throws `source-unreadable` when a part is missing', async (t) => {
    const images = sampleImages(t);
    const changes = kernelSource(images, 'ab');
    rmSync(join(images.root, 'initramfs'));
    await assert.rejects(images.store('ab', changes), (error: unknown) => {
      assert.ok(error instanceof KgetError);
      assert.equal(error.code, 'source-unreadable');
      assert.match(error.message, /initramfs: ENOENT/);
      return true;
    });
    assert.deepEqual(images.runs(), []);
  });
});

void suite('readImages', () => {
  void test('`readImages` passes over an image that is damaged, and says why', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc');
    const file = join(images.place.snapshots, stored.run, 'image.json');
    const text = readFileSync(file, 'utf8');
    const [part = assert.fail()] = stored.image.parts;
    const damages: readonly (readonly [string, RegExp])[] = [
      [text.slice(0, -20), /it is not JSON/],
      [text.replace('image/1', 'image/9'), /schema "kgetplus.image\/9" found/],
      [text.replace('"x86_64"', '"aarch64"'), /its id is [0-9a-f]{64}, what it describes has/],
      [text.replace('"disk.img"', '"../x"'), /no file can be called "\.\.\/x"/],
      [
        text.replace('"kind": "disk"', '"kind": "kernel", "commandLine": ""'),
        /boots from a kernel/,
      ],
    ];
    for (const [damaged, wanted] of damages) {
      assert.notEqual(damaged, text);
      writeFileSync(file, damaged);
      const { images: left, warnings } = readImages(images.place);
      assert.deepEqual(left, []);
      assert.match(warnings.join('\n'), wanted);
      assert.match(
        warnings.join('\n'),
        /tiny:latest is the tag of [0-9a-f]{64}, which is no image/,
      );
    }
    writeFileSync(file, text);
    rmSync(stored.indexPathOf(part));
    assert.match(readImages(images.place).warnings.join('\n'), /disk.img.caibx is missing/);
  });

  void test('`readImages` throws `usage` where there is no store', (t) => {
    const images = sampleImages(t);
    assert.throws(() => readImages(images.place), { code: 'usage' });
  });

  void test('`readImages` throws `corrupt` when the tags are damaged', async (t) => {
    const images = sampleImages(t);
    await images.store('abc');
    const file = join(images.place.directory, 'images', 'tags.json');
    writeFileSync(file, '{"schema":"kgetplus.image-tags/1","tags":{"a b":"x"}}');
    assert.throws(() => readImages(images.place), { code: 'corrupt' });
  });
});

void test('`imageId` depends on all that a machine is made from, and on nothing else', () => {
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
  const part = (role: 'disk' | 'kernel' | 'initramfs') =>
    fc.record({ role: fc.constant(role), sizeBytes: fc.nat(), digest });
  const content = fc.record({
    arch: fc.constantFrom('x86_64', 'aarch64'),
    format: fc.constantFrom('raw', 'qcow2'),
    boot: fc.record({ kind: fc.constant('kernel'), commandLine: fc.string() }),
    parts: fc.tuple(part('disk'), part('kernel'), part('initramfs')),
  });
  fc.assert(
    fc.property(content, content, (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(imageId(one) === imageId(other), isSame);
      const shuffled = { parts: one.parts.toReversed(), boot: one.boot, format: one.format };
      assert.equal(imageId({ ...shuffled, arch: one.arch }), imageId(one));
      assert.notEqual(imageId({ ...one, boot: { kind: 'disk' } }), imageId(one));
    }),
  );
});
