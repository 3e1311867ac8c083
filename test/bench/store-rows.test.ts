import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meets } from '../../bench/store-aims.ts';
import type { GatherRound, ReadRound } from '../../bench/store-measure.ts';
import { rowsOf, type Row, type StoreFigures } from '../../bench/store-rows.ts';
import { tableOf } from '../../bench/store-table.ts';

const NOTHING: StoreFigures = {
  imageBytes: 100e6,
  changedBytes: 9e6,
  indexBytes: 1e6,
  gathers: [],
  restores: [],
  reads: [],
};

interface Measured {
  readonly storedMB: number;
  readonly seconds?: number;
  readonly wireMB?: number;
}

function gathered({ storedMB, seconds = 1, wireMB }: Measured): GatherRound['first'] {
  const stored = { fileBytes: storedMB * 1e6, allocatedBytes: storedMB * 1.1e6, files: 1 };
  const wireBytes = wireMB === undefined ? undefined : wireMB * 1e6;
  return { seconds, cpuSeconds: 1, peakBytes: 1e6, stored, wireBytes };
}

function round(contender: GatherRound['contender'], first: Measured, second = first): GatherRound {
  return { contender, first: gathered(first), second: gathered(second) };
}

function read(side: string, cache: ReadRound['cache'], seconds: number): ReadRound {
  return { side, cache, seconds, cpuSeconds: 1, peakBytes: 1e6 };
}

function rowOf(figures: Partial<StoreFigures>, what: string, rival: string): Row | undefined {
  const rows = rowsOf({ ...NOTHING, ...figures });
  return rows.find((row) => row.what === what && row.rival === rival);
}

for (const [ratio, sense, expected] of [
  [1.05, 'at most', true],
  [1.06, 'at most', false],
  [1.05, 'below', false],
  [1.04, 'below', true],
  [1.05, 'at least', true],
  [1.04, 'at least', false],
] as const) {
  void test(`\`meets\` ${ratio} is ${expected} when it should be ${sense} 1.05`, () => {
    assert.equal(meets(ratio, { sense, ratio: 1.05 }), expected);
  });
}

void test('`rowsOf` compares what is stored with both rivals', () => {
  const gathers = [
    round('kgetplus', { storedMB: 104 }),
    round('restic', { storedMB: 100 }),
    round('casync', { storedMB: 104 }),
  ];
  const rows = ['restic', 'casync'].map((rival) =>
    rowOf({ gathers }, 'first gather: stored', rival),
  );
  assert.deepEqual(
    rows.map((row) => [row?.ratio, row?.verdict]),
    [
      [1.04, 'ok'],
      [1, 'missed'],
    ],
  );
});

void test('`rowsOf` compares medians of rounds', () => {
  const gathers = [1, 50, 2].flatMap((seconds) => [
    round('kgetplus', { storedMB: 1, seconds }),
    round('restic', { storedMB: 1, seconds: 4 }),
  ]);
  const row = rowOf({ gathers }, 'first gather: time', 'restic');
  assert.deepEqual([row?.ours, row?.theirs, row?.ratio, row?.verdict], [2, 4, 0.5, 'ok']);
});

void test('`rowsOf` sets the second gather’s wire against what changed and the indexes', () => {
  const gathers = [round('kgetplus', { storedMB: 1, wireMB: 1 }, { storedMB: 2, wireMB: 12 })];
  const row = rowOf({ gathers }, 'second gather: wire', 'changed blocks and indexes');
  assert.deepEqual([row?.ours, row?.theirs, row?.verdict], [12, 10, 'missed']);
});

void test('`rowsOf` counts what the second gather added to the store', () => {
  const gathers = [round('restic', { storedMB: 5 }, { storedMB: 7 })];
  assert.equal(rowOf({ gathers }, 'second gather: added to the store', 'restic')?.theirs, 2);
});

void test('`rowsOf` compares speeds of restores in the same state of the cache', () => {
  const restores = [
    read('kgetplus', 'cold', 2),
    read('cp', 'cold', 1),
    read('kgetplus', 'warm', 0.5),
    read('cp', 'warm', 0.4),
  ];
  const rows = ['cold', 'warm'].map((cache) =>
    rowOf({ restores }, `restore, ${cache} cache`, 'cp'),
  );
  assert.deepEqual(
    rows.map((row) => [row?.ours, row?.theirs, row?.verdict]),
    [
      [50, 100, 'missed'],
      [200, 250, 'ok'],
    ],
  );
});

void test('`rowsOf` says what was not measured, and leaves out what nobody did', () => {
  const reads = [{ ...read('qemu-nbd', 'warm', 1), serverPeakBytes: 9e6 }];
  const rows = rowsOf({ ...NOTHING, reads }).filter(({ rival }) => rival === 'qemu-nbd');
  assert.deepEqual(
    rows.map(({ what, theirs, verdict }) => [what, theirs, verdict]),
    [
      ['NBD read, warm cache', 100, 'not measured'],
      ['NBD server: peak memory', 9, 'no aim'],
    ],
  );
});

void test('`tableOf` shows figures with units, and a dash for what is not there', () => {
  const gathers = [round('kgetplus', { storedMB: 104 }), round('restic', { storedMB: 100 })];
  const rows = rowsOf({ ...NOTHING, gathers });
  const lines = tableOf(rows).split('\n');
  assert.equal(lines.length, rows.length + 2);
  assert.ok(
    lines.includes(
      '| first gather: stored | 104.0 MB | restic | 100.0 MB | 1.040 | at most 1.05 | ok |',
    ),
  );
  assert.ok(
    lines.includes('| first gather: stored | 104.0 MB | casync | – | – | below 1 | not measured |'),
  );
});
