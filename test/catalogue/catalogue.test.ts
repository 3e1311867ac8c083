import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { manifestPath, readCatalogue, snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { writeManifest } from '../../src/catalogue/manifest.ts';
import { type StorePlace, storePlace } from '../../src/store/store-place.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { sampleImage, sampleManifest } from './sample-manifest.ts';

const [OLD, NEW] = ['20260101T020000Z-aaaaaa', '20260102T020000Z-bbbbbb'] as const;

function emptyStore(t: TestContext): StorePlace {
  const place = storePlace(temporaryDirectory(t));
  mkdirSync(place.snapshots);
  return place;
}

/** An index under its final name; the catalogue does not open it. */
function addIndex(place: StorePlace, run: string, node: string, name = 'disk.img'): void {
  mkdirSync(join(place.snapshots, run, node), { recursive: true });
  writeFileSync(snapshotIndexPath(place, { run, node, name }), '');
}

function ids(place: StorePlace): string[] {
  return readCatalogue(place).runs.flatMap(({ snapshots }) => snapshots.map(({ id }) => id));
}

void suite('readCatalogue', () => {
  void test('`readCatalogue` lists runs from the oldest on, snapshots by node and name', (t) => {
    const place = emptyStore(t);
    for (const [run, node, name] of [
      [NEW, 'b', 'x'],
      [OLD, 'b', 'z'],
      [OLD, 'b', 'y'],
      [OLD, 'a', 'z'],
    ] as const) {
      addIndex(place, run, node, name);
    }
    assert.deepEqual(ids(place), [`${OLD}/a/z`, `${OLD}/b/y`, `${OLD}/b/z`, `${NEW}/b/x`]);
    assert.deepEqual(readCatalogue(place).warnings, []);
  });

  void test('`readCatalogue` joins snapshots with what the manifest says of them', async (t) => {
    const place = emptyStore(t);
    addIndex(place, OLD, 'a');
    addIndex(place, OLD, 'b');
    const image = sampleImage({ node: 'a', name: 'disk.img' });
    await writeManifest(
      manifestPath(place, OLD),
      sampleManifest({ run: OLD, tags: ['gold'], images: [image] }),
    );
    const { runs, warnings } = readCatalogue(place);
    assert.deepEqual(
      runs[0]?.snapshots.map((snapshot) => snapshot.image),
      [image, undefined],
    );
    assert.deepEqual(runs[0]?.snapshots[1]?.tags, ['gold']);
    assert.equal(runs[0]?.snapshots[1]?.takenAt, runs[0]?.manifest?.startedAt);
    assert.deepEqual(warnings, []);
  });

  void test('`readCatalogue` tells when a run began by its manifest, name or directory', async (t) => {
    const place = emptyStore(t);
    addIndex(place, OLD, 'a');
    addIndex(place, 'nightly', 'a');
    utimesSync(join(place.snapshots, 'nightly'), 1, 1_000_000);
    const [nightly, old] = readCatalogue(place).runs;
    assert.equal(nightly?.startedAt, '1970-01-12T13:46:40.000Z');
    assert.equal(old?.startedAt, '2026-01-01T02:00:00.000Z');
    const startedAt = '2026-02-03T04:05:06.000Z';
    await writeManifest(
      manifestPath(place, 'nightly'),
      sampleManifest({ run: 'nightly', startedAt }),
    );
    assert.deepEqual(
      readCatalogue(place).runs.map((run) => run.startedAt),
      ['2026-01-01T02:00:00.000Z', startedAt],
    );
  });

  void test('`readCatalogue` takes a time that no clock shows for a mere name', (t) => {
    const place = emptyStore(t);
    addIndex(place, '20261301T996060Z-aaaaaa', 'a');
    utimesSync(join(place.snapshots, '20261301T996060Z-aaaaaa'), 1, 0);
    assert.equal(readCatalogue(place).runs[0]?.startedAt, '1970-01-01T00:00:00.000Z');
  });

  void test('`readCatalogue` lists the snapshots and warns when a manifest cannot be read', (t) => {
    const place = emptyStore(t);
    addIndex(place, OLD, 'a');
    writeFileSync(manifestPath(place, OLD), '{');
    const { runs, warnings } = readCatalogue(place);
    assert.equal(runs[0]?.manifest, undefined);
    assert.equal(runs[0]?.snapshots.length, 1);
    assert.match(
      warnings.join('\n'),
      /^Cannot read ".*manifest\.json" as a manifest: it is not JSON/,
    );
  });

  void test('`readCatalogue` warns of images in a manifest that have no index', async (t) => {
    const place = emptyStore(t);
    mkdirSync(join(place.snapshots, OLD));
    await writeManifest(
      manifestPath(place, OLD),
      sampleManifest({ run: OLD, images: [sampleImage({ node: 'a', name: 'disk.img' })] }),
    );
    const { runs, warnings } = readCatalogue(place);
    assert.equal(runs.length, 1);
    assert.match(
      warnings.join('\n'),
      /manifest\.json names a\/disk\.img, which has no index there$/,
    );
  });

  void test('`readCatalogue` passes over what is no snapshot, and follows no links', (t) => {
    const place = emptyStore(t);
    addIndex(place, OLD, 'a');
    mkdirSync(join(place.snapshots, NEW));
    mkdirSync(join(place.snapshots, '.hidden', 'a'), { recursive: true });
    writeFileSync(join(place.snapshots, 'stray'), '');
    writeFileSync(join(place.snapshots, OLD, 'a', '.disk.img.caibx.kgetplus-part'), '');
    writeFileSync(join(place.snapshots, OLD, 'a', 'disk.img.caibx-part'), '');
    symlinkSync(place.snapshots, join(place.snapshots, 'circle'));
    symlinkSync(place.snapshots, join(place.snapshots, OLD, 'circle'));
    assert.deepEqual(ids(place), [`${OLD}/a/disk.img`]);
    assert.equal(readCatalogue(place).runs.length, 1);
  });

  void test('`readCatalogue` has no runs when there are no snapshots yet', (t) => {
    assert.deepEqual(readCatalogue(emptyStore(t)), { runs: [], warnings: [] });
  });

  void test('`readCatalogue` refuses a directory that is no store', (t) => {
    const place = emptyStore(t);
    rmSync(place.snapshots, { recursive: true });
    assert.throws(() => readCatalogue(place), {
      code: 'usage',
      message: /^Cannot use .* as a store: there is no .*snapshots; name one with --store/,
    });
  });
});
