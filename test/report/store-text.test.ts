import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { renderDiffSummary } from '../../src/report/store-diff-text.ts';
import type { DiffHead } from '../../src/report/store-diff.ts';
import { renderListText, renderRunsText } from '../../src/report/store-list-text.ts';
import type { ShownChunks, ShownRun, ShownSnapshot } from '../../src/report/store-listing.ts';
import { renderShowText } from '../../src/report/store-show-text.ts';
import { renderStatsText } from '../../src/report/store-stats-text.ts';
import {
  listedRun,
  listedSnapshot,
  listing,
  MIB,
  RUN,
  statistics,
  storeRun,
} from './store-sample.ts';

function rows(text: string): string[] {
  return text.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
}

void suite('renderListText', () => {
  void test('`renderListText` marks what is damaged, missing, unfinished or tagged', () => {
    const text = renderListText(
      listing([
        listedRun({
          state: 'unfinished',
          tags: ['gold', 'q1'],
          snapshots: [
            listedSnapshot({ missingChunks: 1 }),
            listedSnapshot({ problem: 'broken', dataBytes: null, uniqueBytes: null }),
          ],
          missing: [{ node: 'node09', path: null, reason: 'no route' }],
        }),
      ]),
    );
    assert.deepEqual(rows(text), [
      'Node Image Size Data Unique',
      `${RUN} 2026-01-01 02:00:00 UTC, unfinished, 1 missing, 2 damaged, tagged gold q1`,
      'node01 disk.img 100 MiB 40.0 MiB 5.00 MiB 1 chunk missing',
      'node01 disk.img 100 MiB – – index cannot be used',
      'node09 – – – – missing: no route',
      '',
      '1 run, 2 snapshots, 100 MiB of images',
      '',
    ]);
  });

  void test('`renderListText` aligns the columns of all runs', () => {
    const text = renderListText(
      listing([
        listedRun({ snapshots: [listedSnapshot({ node: 'n' })] }),
        listedRun({ snapshots: [listedSnapshot({ node: 'a-longer-name' })] }),
      ]),
    );
    const starts = text
      .split('\n')
      .filter((line) => line.includes('disk.img'))
      .map((line) => line.indexOf('disk.img'));
    assert.equal(starts.length, 2);
    assert.equal(starts[0], starts[1]);
  });

  void test('`renderListText` and `renderRunsText` escape what would not show', () => {
    const hostile = '\u001b[2J\n\u202e';
    const run = listedRun({
      run: hostile,
      tags: [hostile],
      snapshots: [listedSnapshot({ node: hostile, image: hostile })],
      missing: [{ node: hostile, path: hostile, reason: hostile }],
    });
    for (const text of [renderListText(listing([run])), renderRunsText(listing([run]))]) {
      assert.ok(!text.includes('\u001b') && !text.includes('\u202e'));
      assert.match(text, /\\u\{1b\}\[2J\\n\\u\{202e\}/);
    }
  });
});

function shownSnapshot(change: Partial<ShownSnapshot> = {}): ShownSnapshot {
  return {
    ...listedSnapshot(),
    indexPath: '/srv/store/index.caibx',
    indexSha256: 'ab'.repeat(32),
    chunks: CHUNKS,
    storedBytes: 20 * MIB,
    wireBytes: null,
    wireChunks: null,
    extractCommand: 'casync extract',
    ...change,
  };
}

const CHUNKS: ShownChunks = {
  count: 800,
  zero: 480,
  distinct: 300,
  unique: 40,
  algorithm: 'sha512-256',
  isFixed: false,
  minBytes: 16384,
  avgBytes: 65536,
  maxBytes: 262144,
};

function shownRun(snapshot: ShownSnapshot): ShownRun {
  return {
    ...listedRun(),
    schema: 'kgetplus.show/1',
    store: '/srv/store',
    by: null,
    snapshots: [snapshot],
  };
}

void suite('renderShowText', () => {
  void test('`renderShowText` tells how chunks were cut and named', () => {
    const lines = rows(renderShowText(shownRun(shownSnapshot())));
    const wanted =
      '800 of 16.0 KiB to 256 KiB, cut by content, 480 of them zero, named by SHA-512/256';
    assert.ok(lines.includes(`Chunks ${wanted}`), lines.join('\n'));
    assert.ok(lines.includes('Stored 20.0 MiB in 300 chunks'));
  });

  void test('`renderShowText` leaves out what is not known', () => {
    const text = renderShowText(
      shownRun(
        shownSnapshot({
          chunks: null,
          sizeBytes: null,
          dataBytes: null,
          storedBytes: null,
          uniqueBytes: null,
          missingChunks: null,
          path: null,
          indexSha256: null,
          problem: 'Cannot use it',
        }),
      ),
    );
    const block = text.slice(text.indexOf('\nSnapshot'));
    assert.deepEqual(rows(block).slice(2, -1), [
      'Problem Cannot use it',
      'Index /srv/store/index.caibx',
    ]);
  });
});

void suite('renderStatsText', () => {
  void test('`renderStatsText` has totals, runs from the newest on, and nodes', () => {
    const newer = storeRun({ run: 'newer', logicalBytes: 300 * MIB, duplicateBytes: 230 * MIB });
    const lines = rows(renderStatsText(statistics({ runs: [storeRun(), newer] })));
    for (const line of [
      'Snapshots 4 of 1 node in 2 runs',
      'Size of images 400 MiB',
      'Zeros 100 MiB 25 %',
      'Duplicates 260 MiB 65 %',
      'Different data 40.0 MiB 10 %',
      'Stored 20.0 MiB in 160 chunks, compressed 2.0 ×',
      'Unused 1.00 MiB 3 chunks, kgetplus prune frees them',
      'node01 2 100 MiB 50.0 MiB 7.00 MiB',
    ]) {
      assert.ok(lines.includes(line), `${line}: ${lines.join('\n')}`);
    }
    const runs = lines.filter((line) => line.endsWith('10.0 MiB'));
    assert.deepEqual(runs, [
      'newer 2 300 MiB 16.7 % 76.7 % 20.0 MiB 10.0 MiB',
      `${RUN} 2 100 MiB 50 % 30 % 20.0 MiB 10.0 MiB`,
    ]);
  });

  void test('`renderStatsText` says how far images outnumber what is stored', () => {
    const text = renderStatsText(statistics()).replaceAll(/\s+/g, ' ');
    assert.match(
      text,
      /Images have 10 × the bytes .* 2\.5 × by duplicates and 2\.0 × by compression/,
    );
  });

  void test('`renderStatsText` cuts long lists unless all is asked for', () => {
    const runs = Array.from({ length: 30 }, (_, place) => storeRun({ run: `run${place}` }));
    const cut = renderStatsText(statistics({ runs }));
    assert.match(cut, /^run29 [^]*^run10 [^]*^… and 10 more$/m);
    assert.doesNotMatch(cut, /^run9 /m);
    assert.match(renderStatsText(statistics({ runs }), { all: true }), /^run0 /m);
  });

  void test('`renderStatsText` has dashes, and no factors, for what is not known', () => {
    const unknown = { duplicateBytes: null, newBytes: null, storedBytes: null };
    const text = renderStatsText(
      statistics({ runs: [storeRun(unknown)], used: null, unused: null }),
    );
    assert.match(text, /^ {2}Stored +– +the table of chunks is lost$/m);
    assert.doesNotMatch(text, /NaN|Infinity|null|Images have/);
  });
});

const HEAD: DiffHead = {
  schema: 'kgetplus.diff/1',
  store: '/srv/store',
  before: { id: 'a', sizeBytes: 0 },
  after: { id: 'b\u001b', sizeBytes: 0 },
  precision: 'chunks',
};

void test('`renderDiffSummary` tells no shares of empty images', () => {
  const bytes = { changed: 0, written: 0, zeroed: 0, added: 0, removed: 0 };
  const text = renderDiffSummary(HEAD, { extents: 0, bytes });
  assert.deepEqual(rows(text), [
    'From a 0 B',
    String.raw`To b\u{1b} 0 B`,
    '',
    'No difference.',
    '',
  ]);
});
