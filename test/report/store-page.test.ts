import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { shareBar } from '../../src/report/store-stats-bars.ts';
import { renderStatsPage } from '../../src/report/store-stats-page.ts';
import { assertEscapes } from './hostile-names.ts';
import { MIB, statistics, storeRun } from './store-sample.ts';

/** The text of a page, without its tags. */
function words(page: string): string {
  return page.replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ');
}

interface Bar {
  readonly kind: string;
  readonly from: number;
  readonly width: number;
}

function barsOf(svg: string): Bar[] {
  const found = svg.matchAll(/class="(\w+)"\s+x="([\d.]+)%"\s+width="([\d.]+)%"/g);
  return Array.from(found, ([, kind = '', from, width]) => ({
    kind,
    from: Number(from),
    width: Number(width),
  }));
}

void suite('shareBar', () => {
  void test('`shareBar` divides a run into zeros, duplicates, what compression saves, and the rest', () => {
    assert.deepEqual(barsOf(shareBar(storeRun()).markup), [
      { kind: 'zero', from: 0, width: 50 },
      { kind: 'duplicate', from: 50, width: 30 },
      { kind: 'compressed', from: 80, width: 10 },
      { kind: 'stored', from: 90, width: 10 },
    ]);
  });

  void test('`shareBar` tells data from zeros alone when nothing else is known', () => {
    const unknown = { duplicateBytes: null, newBytes: null, storedBytes: null };
    assert.deepEqual(
      barsOf(shareBar(storeRun({ ...unknown, missingBytes: 10 * MIB })).markup).map(
        ({ kind, width }) => [kind, width],
      ),
      [
        ['zero', 50],
        ['unknown', 40],
        ['missing', 10],
      ],
    );
  });

  void test('`shareBar` is full whatever the figures, and leaves no gap', () => {
    const bytes = fc.nat({ max: 2 ** 40 });
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, bytes, (...drawn) => {
        const [zeroBytes, missingBytes, duplicateBytes, newBytes, storedBytes] = drawn;
        const logicalBytes = zeroBytes + missingBytes + duplicateBytes + newBytes;
        const bars = barsOf(
          shareBar({
            ...storeRun(),
            logicalBytes,
            zeroBytes,
            missingBytes,
            duplicateBytes,
            newBytes,
            storedBytes,
          }).markup,
        );
        let end = 0;
        for (const { from, width } of bars) {
          assert.ok(Math.abs(from - end) < 0.01);
          end = from + width;
        }
        assert.ok(Math.abs(end - (logicalBytes === 0 ? 0 : 100)) < 0.01);
      }),
    );
  });
});

void suite('renderStatsPage', () => {
  void test('`renderStatsPage` makes one self-contained page without scripts', () => {
    const page = renderStatsPage(statistics());
    assert.match(page, /^<!doctype html>/);
    assert.doesNotMatch(page, /https?:|<link|<img|<script|src=|url\(|@import/);
    assert.doesNotMatch(page, /undefined|NaN|Infinity|\[object/);
  });

  void test('`renderStatsPage` has figures, runs and nodes', () => {
    const text = words(renderStatsPage(statistics())).replaceAll('\u00a0', ' ');
    for (const part of [
      'Kget+ store /srv/store 2 snapshots of 1 node in 1 run · newest 2026-01-01 02:00:00 UTC',
      'Size of images 100 MiB 50.0 MiB of it zero',
      'Images to what is stored 10 × 2.5 × by duplicates, 2.0 × by compression',
      'Unused 1.00 MiB in 3 chunks',
      'node01 2 100 MiB 50.0 MiB 7.00 MiB',
    ]) {
      assert.ok(text.includes(part), `${part}: ${text}`);
    }
  });

  void test('`renderStatsPage` still makes a page when there is nothing, or little is known', () => {
    const unknown = { duplicateBytes: null, newBytes: null, storedBytes: null };
    for (const sample of [
      statistics({ runs: [], nodes: [], used: { chunks: 0, bytes: 0 } }),
      statistics({ runs: [storeRun(unknown)], used: null, unused: null }),
      statistics({ runs: [storeRun({ storedBytes: 21 * MIB })] }),
    ]) {
      assert.doesNotMatch(renderStatsPage(sample), /undefined|NaN|Infinity|null|-\d+\.\d+%/);
    }
  });

  void test('`renderStatsPage` has no more tags than with plain names when names are hostile', () => {
    assertEscapes((text) =>
      renderStatsPage({
        ...statistics({ runs: [storeRun({ run: text, startedAt: text })] }),
        store: text,
        nodes: [{ node: text, snapshots: 1, logicalBytes: 1, dataBytes: 1, uniqueBytes: 1 }],
        unreadable: [{ snapshot: text, problem: text }],
      }),
    );
  });
});
