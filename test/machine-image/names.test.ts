import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { KgetError } from '../../src/base/error.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { findImage } from '../../src/machine-image/find-image.ts';
import { parseImageName } from '../../src/machine-image/image-name.ts';
import { goneRunName, imagesLock } from '../../src/machine-image/image-place.ts';
import { readImages } from '../../src/machine-image/images.ts';
import { lockImages } from '../../src/machine-image/lock-images.ts';
import { removeImage } from '../../src/machine-image/remove-image.ts';
import { removeTag, tagImage } from '../../src/machine-image/tag-image.ts';
import { takeLock } from '../../src/store/lock.ts';
import { lockForPruning } from '../../src/upkeep/prune-lock.ts';
import { sampleImages } from './sample-image.ts';

const wait = { clock: systemClock, signal: new AbortController().signal };

/** A clock that only sleeping moves. */
function idleClock(): Clock & { readonly sleptMs: () => number } {
  let now = 0;
  return {
    nowMs: () => now,
    sleep: (durationMs) => {
      now += durationMs;
      return Promise.resolve();
    },
    sleptMs: () => now,
  };
}

function fails(work: () => unknown, code: string, message: RegExp): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof KgetError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

void suite('parseImageName', () => {
  void test('`parseImageName` reads NAME and NAME:TAG', () => {
    assert.deepEqual(parseImageName('tiny'), { name: 'tiny', tag: 'latest' });
    assert.deepEqual(parseImageName('a.b-c_d:12.1'), { name: 'a.b-c_d', tag: '12.1' });
  });

  void test('`parseImageName` throws `usage` when it is neither', () => {
    for (const text of ['', ':', 'a:', ':a', 'a:b:c', '-a', 'a b', 'a/b', '.a', 'x'.repeat(65)]) {
      assert.throws(() => parseImageName(text), { code: 'usage' }, text);
    }
  });
});

void suite('findImage', () => {
  void test('`findImage` finds an image by tag, by name, and by the beginning of its id', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc', { name: 'tiny' });
    const { id } = stored.image;
    for (const text of ['tiny', 'tiny:latest', id, id.slice(0, 6)]) {
      assert.equal(findImage(images.place, text).image.id, id, text);
    }
    await removeTag(images.place, { ...wait, name: parseImageName('tiny') });
    assert.equal(findImage(images.place, 'tiny').image.id, id);
    assert.throws(() => findImage(images.place, 'tiny:latest'), { code: 'no-match' });
    assert.throws(() => findImage(images.place, id.slice(0, 5)), { code: 'no-match' });
  });

  void test('`findImage` takes `latest` for a name, whoever else was called so', async (t) => {
    const images = sampleImages(t);
    await images.store('abc');
    const { stored } = await images.store('abd');
    assert.equal(findImage(images.place, 'tiny').image.id, stored.image.id);
    await removeTag(images.place, { ...wait, name: parseImageName('tiny') });
    fails(() => findImage(images.place, 'tiny'), 'usage', /found 2: [0-9a-f]{12}, [0-9a-f]{12};/);
  });

  void test('`findImage` names images like the one that there is not', async (t) => {
    const images = sampleImages(t);
    await images.store('abc', { name: 'debian-12' });
    await images.store('abd', { name: 'worker' });
    const { place } = images;
    fails(() => findImage(place, 'debian'), 'no-match', /near it are debian-12:latest;/);
    fails(() => findImage(place, 'worker:v2'), 'no-match', /near it are worker:latest/);
    fails(() => findImage(place, 'x'), 'no-match', /found debian-12:latest, worker:latest$/);
  });

  void test('`findImage` says how to make one when there is none', (t) => {
    const images = sampleImages(t);
    mkdirSync(images.place.snapshots, { recursive: true });
    fails(() => findImage(images.place, 'tiny'), 'no-match', /it has none; make one with image/);
  });
});

void suite('tagImage', () => {
  void test('`tagImage` adds a name, and moves it from another image', async (t) => {
    const images = sampleImages(t);
    const first = await images.store('abc', { name: 'one' });
    const second = await images.store('abd', { name: 'two' });
    const name = parseImageName('stable');
    const tagged = await tagImage(images.place, first.stored, { ...wait, name });
    assert.deepEqual(tagged.tags, ['one:latest', 'stable:latest']);
    await tagImage(images.place, second.stored, { ...wait, name });
    assert.deepEqual(findImage(images.place, 'stable').tags, ['stable:latest', 'two:latest']);
  });

  void test('`tagImage` throws `no-match` when the image was removed meanwhile', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc');
    await removeImage(images.place, stored, { ...wait, force: false, inUse: () => undefined });
    const tagging = tagImage(images.place, stored, { ...wait, name: parseImageName('x') });
    await assert.rejects(tagging, { code: 'no-match' });
    const untagging = removeTag(images.place, { ...wait, name: parseImageName('x') });
    await assert.rejects(untagging, { code: 'no-match' });
  });

  void test('two that tag at once both succeed', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc');
    const names = ['a', 'b', 'c', 'd'].map(parseImageName);
    await Promise.all(names.map((name) => tagImage(images.place, stored, { ...wait, name })));
    assert.equal(findImage(images.place, 'tiny').tags.length, 5);
  });
});

void suite('removeImage', () => {
  void test('`removeImage` removes the run and the tags, and leaves other images', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc');
    const other = await images.store('abd', { name: 'other' });
    await removeImage(images.place, stored, { ...wait, force: false, inUse: () => undefined });
    assert.deepEqual(images.runs(), [other.stored.run]);
    const { images: left, warnings } = readImages(images.place);
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      left.map(({ tags }) => tags),
      [['other:latest']],
    );
  });

  void test('`removeImage` refuses an image that is used, unless forced', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc');
    const inUse = (id: string) => (id === stored.image.id ? 'job 17' : undefined);
    const refused = removeImage(images.place, stored, { ...wait, force: false, inUse });
    await assert.rejects(refused, { code: 'usage', message: /tiny\): job 17 uses it;/ });
    assert.deepEqual(findImage(images.place, 'tiny').tags, ['tiny:latest']);
    await removeImage(images.place, stored, { ...wait, force: true, inUse });
    assert.deepEqual(images.runs(), []);
  });

  void test('`removeImage` throws `locked` while the store is pruned', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc');
    const removal = { ...wait, force: false, inUse: () => undefined };
    {
      using _prune = lockForPruning(images.place, 'prune');
      await assert.rejects(removeImage(images.place, stored, removal), { code: 'locked' });
    }
    assert.deepEqual(findImage(images.place, 'tiny').tags, ['tiny:latest']);
  });

  void test('what a removal has left that was killed is removed by the next change', async (t) => {
    const images = sampleImages(t);
    const { stored } = await images.store('abc');
    const { snapshots } = images.place;
    renameSync(join(snapshots, stored.run), join(snapshots, goneRunName(stored.run)));
    assert.deepEqual(readImages(images.place).images, []);
    const { isNew } = await images.store('abc');
    assert.ok(isNew);
    assert.equal(images.runs().length, 1);
  });
});

void suite('lockImages', () => {
  void test('`lockImages` throws `locked` after 10 s when another one keeps it', async (t) => {
    const { place } = sampleImages(t);
    const lock = imagesLock(place);
    mkdirSync(dirname(lock), { recursive: true });
    takeLock(lock, () => assert.fail());
    const clock = idleClock();
    await assert.rejects(lockImages(place, { ...wait, clock }), { code: 'locked' });
    assert.equal(clock.sleptMs(), 10_000);
    rmSync(lock);
  });

  void test('`lockImages` takes over the lock of a process that is gone', async (t) => {
    const { place } = sampleImages(t);
    const lock = imagesLock(place);
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, '999999999 1\n');
    using _lock = await lockImages(place, wait);
  });

  void test('`lockImages` throws `cancelled` when it is stopped', async (t) => {
    const { place } = sampleImages(t);
    using _lock = await lockImages(place, wait);
    const waiting = lockImages(place, { ...wait, signal: AbortSignal.abort() });
    await assert.rejects(waiting, { code: 'cancelled' });
  });
});
