import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { readCatalogue } from '../../src/catalogue/catalogue.ts';
import { readManifest, writeManifest } from '../../src/catalogue/manifest.ts';
import { indexPathOf } from '../../src/content/seed-file.ts';
import { takeLease } from '../../src/store/lease.ts';
import { identityOf } from '../../src/store/process-identity.ts';
import { drawImage, writeIndex } from '../content/fixtures.ts';
import {
  DAY_MS,
  HOUR_MS,
  makeSampleStore,
  pruneStore,
  putChunk,
  readSnapshot,
  sampleManifest,
} from './sample-store.ts';

const FIRST = '20260101T000000Z-000001';
const SECOND = '20260102T000000Z-000002';
const THIRD = '20260103T000000Z-000003';

void suite('prune', () => {
  void test('forgets by the policy, sets aside what nobody needs, sweeps it later', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'abc.' });
    await store.add({ run: SECOND, letters: 'abd.' });

    const report = await pruneStore(store.place, { policy: { last: 1 } });
    assert.deepEqual(
      report.snapshots.map(({ id, isForgotten }) => [id, isForgotten]),
      [
        [`${SECOND}/n1/disk`, false],
        [`${FIRST}/n1/disk`, true],
      ],
    );
    assert.equal(report.setAside.chunks, 1);
    assert.equal(report.kept.chunks, 4);
    assert.equal(store.stored(), 'abd.');
    assert.equal(store.aside(), 'c');
    assert.ok(!existsSync(join(store.place.snapshots, FIRST)), 'nothing of the run is left');

    const early = await pruneStore(store.place);
    assert.equal(early.swept.chunks, 0);
    assert.equal(early.waiting.length, 1);
    assert.equal(store.aside(), 'c');

    const late = await pruneStore(store.place, { nowMs: () => Date.now() + DAY_MS + HOUR_MS });
    assert.equal(late.swept.chunks, 1);
    assert.equal(store.aside(), '');
    assert.deepEqual(readdirSync(store.place.trash), []);
    assert.equal(store.stored(), 'abd.');
  });

  void test('forgets nothing without a policy', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    putChunk(store.fileOf('z'), 'z');
    const report = await pruneStore(store.place);
    assert.equal(report.hasPolicy, false);
    assert.deepEqual(report.snapshots, []);
    assert.equal(store.stored(), 'a');
    assert.equal(store.aside(), 'z');
  });

  void test('changes nothing when it is dry, and tells what it would do', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'ab' });
    await store.add({ run: SECOND, letters: 'bc' });
    const before = listing(store.place.directory);
    const report = await pruneStore(store.place, { policy: { last: 1 }, isDry: true });
    assert.equal(report.setAside.chunks, 1);
    assert.equal(report.snapshots.filter(({ isForgotten }) => isForgotten).length, 1);
    const after = listing(store.place.directory);
    assert.deepEqual(after, before);
  });

  void test('judges only snapshots of the nodes that are named', async (t) => {
    const store = makeSampleStore(t);
    for (const run of [FIRST, SECOND]) {
      for (const node of ['n1', 'n2']) await store.add({ run, node, letters: 'a' });
    }
    await pruneStore(store.place, { policy: { last: 1 }, nodes: ['n2'] });
    const ids = readCatalogue(store.place).runs.flatMap(({ snapshots }) =>
      snapshots.map(({ id }) => id),
    );
    assert.deepEqual(ids, [`${FIRST}/n1/disk`, `${SECOND}/n1/disk`, `${SECOND}/n2/disk`]);
    const { images } = readManifest(store.manifestOf(FIRST));
    assert.deepEqual(
      images.map(({ node }) => node),
      ['n1'],
    );
  });

  void test('keeps snapshots with tags, and those of runs that have not ended', async (t) => {
    const store = makeSampleStore(t);
    for (const run of [FIRST, SECOND, THIRD]) await store.add({ run, letters: 'a' });
    await writeManifest(store.manifestOf(FIRST), sampleManifest(FIRST, [], { tags: ['gold'] }));
    rmSync(store.manifestOf(SECOND));
    const report = await pruneStore(store.place, { policy: { last: 1 } });
    assert.deepEqual(
      report.snapshots.map(({ reasons }) => reasons),
      [['last'], ['its run has not ended'], ['tagged gold']],
    );
  });

  void test('counts indexes that are no snapshots, not whole, or made by others', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    const directory = join(store.place.snapshots, 'mine', 'deeper');
    mkdirSync(directory, { recursive: true });
    for (const letter of 'bcdz') putChunk(store.fileOf(letter), letter);
    await writeIndex(join(directory, 'x.caibx'), drawImage('b'));
    const part = join(directory, '.y.caibx.kgetplus-part');
    await writeIndex(part, drawImage('cd'));
    // What is written of an index while it grows: its tail and a part of an entry are missing.
    truncateSync(part, 64 + 40 + 7);
    await pruneStore(store.place);
    assert.equal(store.stored(), 'abc');
    assert.equal(store.aside(), 'dz');
  });

  for (const [what, spoil] of [
    ['is damaged', (index: string) => truncateSync(index, 100)],
    ['is empty', (index: string) => writeFileSync(index, '')],
    ['is a link to nothing', (index: string) => (rmSync(index), symlinkSync('nowhere', index))],
  ] as const) {
    void test(`does nothing when an index ${what}`, async (t) => {
      const store = makeSampleStore(t);
      await store.add({ run: FIRST, letters: 'ab' });
      await store.add({ run: SECOND, letters: 'bc' });
      putChunk(store.fileOf('z'), 'z');
      spoil(store.indexOf({ run: FIRST }));
      await assert.rejects(pruneStore(store.place, { policy: { last: 1 } }), {
        code: 'corrupt',
        message: /nothing was forgotten, set aside or swept.*20260101.*Put a good copy/s,
      });
      assert.equal(store.stored(), 'abcz');
      assert.deepEqual(readdirSync(store.place.trash), [], 'no empty batch is left');
      assert.equal(readCatalogue(store.place).runs.length, 2);
    });
  }

  void test('does nothing when a link may lead to indexes', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    const elsewhere = join(store.place.directory, 'elsewhere');
    renameSync(join(store.place.snapshots, FIRST), elsewhere);
    symlinkSync(elsewhere, join(store.place.snapshots, FIRST));
    await assert.rejects(pruneStore(store.place), { code: 'corrupt', message: /is a link/ });
    assert.equal(store.stored(), 'a');
  });

  void test('brings back what an index needs after all', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'ab' });
    putChunk(store.fileOf('z'), 'z');
    await pruneStore(store.place);
    assert.equal(store.aside(), 'z');
    // A run that published its index and died before it looked into the trash.
    const index = store.indexOf({ run: SECOND });
    mkdirSync(dirname(index), { recursive: true });
    await writeIndex(index, drawImage('z'));
    assert.deepEqual(await readSnapshot(store.place, index), drawImage('z'));
    const report = await pruneStore(store.place, { nowMs: () => Date.now() + 2 * DAY_MS });
    assert.equal(report.broughtBack.chunks, 1);
    assert.equal(store.stored(), 'abz');
    assert.equal(store.aside(), '');
  });

  void test('brings back what an index needs that came while it set aside', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    for (const letter of 'xyz') putChunk(store.fileOf(letter), letter);
    const index = store.indexOf({ run: SECOND });
    const ready = join(store.place.directory, 'ready');
    await writeIndex(ready, drawImage('xy'));
    mkdirSync(dirname(index), { recursive: true });
    let moved = 0;
    await pruneStore(store.place, {
      onStep(step) {
        if (!step.startsWith('set aside')) return;
        moved += 1;
        if (moved === 2) renameSync(ready, index);
      },
    });
    assert.equal(store.stored(), 'axy');
    assert.equal(store.aside(), 'z');
  });

  void test('waits for processes that were there before, whatever clocks say', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    const reader = takeLease(store.place, 'restore');
    putChunk(store.fileOf('z'), 'z');
    // The clock is set back afterwards: the batch looks older than the lease.
    await pruneStore(store.place, { nowMs: () => Date.now() - 3 * DAY_MS });
    const blocked = await pruneStore(store.place);
    assert.deepEqual(
      blocked.waiting.map(({ leases }) => leases.map(({ kind }) => kind)),
      [['restore']],
    );
    assert.equal(store.aside(), 'z');
    reader.release();
    const later = takeLease(store.place, 'restore');
    const free = await pruneStore(store.place);
    later.release();
    assert.equal(free.swept.chunks, 1);
    assert.equal(store.aside(), '');
  });

  void test('spares chunks that came after a process that writes', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    const writer = takeLease(store.place, 'gather');
    putChunk(store.fileOf('z'), 'z');
    const report = await pruneStore(store.place);
    assert.equal(report.spared.chunks, 1);
    assert.equal(store.stored(), 'az');
    writer.release();
    await pruneStore(store.place);
    assert.equal(store.stored(), 'a');
  });

  void test('removes leases of processes that are gone', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    const lease = takeLease(store.place, 'gather');
    const file = join(store.place.leases, lease.name);
    const alive = (identityOf(process.pid) ?? '').trim();
    writeFileSync(file, readFileSync(file, 'utf8').replace(alive, `${process.pid} 1`));
    await pruneStore(store.place);
    assert.ok(!existsSync(file));
  });

  void test('refuses while another one is at it, and names its process', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    putChunk(store.fileOf('z'), 'z');
    let second: Promise<unknown> | undefined;
    await pruneStore(store.place, {
      onStep() {
        second ??= assert.rejects(pruneStore(store.place), {
          code: 'locked',
          message: new RegExp(`process ${process.pid} `),
        });
      },
    });
    assert.ok(second);
    await second;
  });

  void test('stops on request and goes on the next time', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    for (const letter of 'xyz') putChunk(store.fileOf(letter), letter);
    const interrupt = new AbortController();
    const stopped = pruneStore(store.place, {
      signal: interrupt.signal,
      onStep: (step) => step.startsWith('set aside') && interrupt.abort(),
    });
    await assert.rejects(stopped, { code: 'cancelled' });
    assert.equal(store.aside().length, 1);
    await pruneStore(store.place);
    assert.equal(store.stored(), 'a');
    const late = { nowMs: () => Date.now() + 2 * DAY_MS };
    assert.equal((await pruneStore(store.place, late)).swept.chunks, 3);
  });

  void test('says so when the store cannot be written', async (t) => {
    if (process.getuid?.() === 0) return t.skip('root may write everywhere');
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    chmodSync(store.place.directory, 0o500);
    try {
      await assert.rejects(pruneStore(store.place), { code: 'target-unwritable' });
    } finally {
      chmodSync(store.place.directory, 0o700);
    }
  });

  void test('refuses what is no store, and makes nothing there', async (t) => {
    const store = makeSampleStore(t);
    rmSync(store.place.snapshots, { recursive: true });
    await assert.rejects(pruneStore(store.place), { code: 'usage', message: /as a store/ });
    assert.deepEqual(readdirSync(store.place.directory), ['store.castr']);
  });

  void test('leaves damaged chunks that were renamed, and what is not ours', async (t) => {
    const store = makeSampleStore(t);
    await store.add({ run: FIRST, letters: 'a' });
    const bad = `${store.fileOf('a')}.bad`;
    writeFileSync(bad, 'damaged');
    writeFileSync(indexPathOf(store.fileOf('a')), 'beside');
    await pruneStore(store.place);
    assert.ok(existsSync(bad));
  });
});

function listing(directory: string): Set<string> {
  return new Set(readdirSync(directory, { recursive: true }).map(String));
}
