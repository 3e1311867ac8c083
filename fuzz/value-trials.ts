import assert from 'node:assert/strict';
import { before, formatDuration, parseDuration } from '../src/base/duration.ts';
import { KgetError } from '../src/base/error.ts';
import { formatTimeSpan, parseTimeSpan } from '../src/base/time-span.ts';
import { formatRate, formatSize, parseRate, parseSize } from '../src/base/units.ts';
import {
  applyRetention,
  parseKeepCount,
  type RetentionPolicy,
} from '../src/catalogue/retention.ts';
import { PERIODS } from '../src/catalogue/retention-periods.ts';
import { readObjective } from '../src/cli/objective.ts';
import {
  readCount,
  readDecimal,
  readRacks,
  readRate,
  readRoom,
  readShare,
  readSigma,
  readSize,
} from '../src/cli/simulate-values.ts';
import type { Dice } from './dice.ts';
import type { Trial } from './target.ts';

const NOW = new Date('2026-11-22T09:30:00Z');

const VALUES = [
  '64MiB',
  '1.5G',
  '512',
  '4 TiB',
  '80Mbit',
  '10MiB/s',
  '100mbps',
  '12GB',
  '7d',
  '12h',
  '1w2d',
  '6m',
  '1y6m',
  '99999y',
  'all',
  'unlimited',
  '7',
  '0.9',
  '1',
  '4x16',
  'lognormal:0.5',
  '3images',
  '0image',
  'mean',
  'target:80%',
  '15s',
  '1.5min',
  '2h',
];

/** A limit of a run may be up to a day. */
const SPAN = { fromMs: 1000, toMs: 86_400_000 };

export function valueSamples(): Buffer[] {
  return VALUES.map((text) => Buffer.from(text));
}

/** Every reader of a value returns what can be reckoned with, or refuses. */
export function tryValue(input: Buffer): void {
  const text = input.toString('utf8');
  const refused: unknown[] = [];
  const attempt = (read: () => void): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof KgetError)) throw error;
      refused.push(error);
    }
  };
  const readers = [
    () => {
      const bytes = parseSize(text);
      assert.ok(Number.isSafeInteger(bytes) && bytes >= 0, `a size of ${bytes} B`);
      formatSize(bytes);
    },
    () => {
      const rate = parseRate(text);
      assert.ok(Number.isFinite(rate) && rate >= 1, `a rate of ${rate} B/s`);
      formatRate(rate);
    },
    () => {
      const duration = parseDuration(text);
      assert.deepEqual(parseDuration(formatDuration(duration)), duration);
      assert.ok(before(NOW, duration).getTime() < NOW.getTime());
    },
    () => {
      const spanMs = parseTimeSpan(text, SPAN);
      assert.ok(spanMs >= SPAN.fromMs && spanMs <= SPAN.toMs, `a time of ${spanMs} ms`);
      const again = parseTimeSpan(formatTimeSpan(spanMs), { fromMs: 0, toMs: Infinity });
      assert.ok(Math.abs(again - spanMs) <= spanMs * 1e-9, `${spanMs} ms, then ${again} ms`);
    },
    () => void parseKeepCount(text),
    () => void readObjective(text),
    () => assert.ok(Number.isSafeInteger(readCount('-n', { from: 1, to: 100_000 })(text))),
    () => assert.ok(readDecimal('-k', { from: 1, to: 1000 })(text) <= 1000),
    () => assert.ok(readShare('-s')(text) < 1),
    () => assert.ok(Number.isFinite(readRate('-r')(text))),
    () => assert.ok(Number.isSafeInteger(readSize(text))),
    () => assert.ok(readSigma(text) >= 0),
    () => assert.ok(readRacks(text).nodesEach >= 1),
    () => {
      const room = readRoom(text);
      assert.ok(Number.isSafeInteger(room.kind === 'bytes' ? room.bytes : room.images));
    },
  ];
  for (const read of readers) attempt(read);
  if (refused.length === readers.length) throw refused[0];
}

/** Times of snapshots, and groups and tags, a snapshot a line. */
export function retentionSamples(): Buffer[] {
  const times = Array.from({ length: 40 }, (_, number) =>
    new Date(NOW.getTime() - number * 37 * 3_600_000).toISOString(),
  );
  return [
    times.map((time, number) => `${time} node${number % 3} ${number % 9 === 0 ? 'gold' : ''}`),
    ['2026-03-01T11:00:00Z a', '2026-03-01T12:00:00+01:00 a', '2027-01-01T00:00:00.5Z a x'],
    ['-271821-04-20T00:00:00Z a', '+275760-09-13T00:00:00Z b', '0000-01-01T00:00:00Z a'],
  ].map((lines) => Buffer.from(lines.join('\n')));
}

/** Every snapshot is judged once; any rule keeps the newest of each group; tags keep. */
export function tryRetention(input: Buffer, { dice }: Trial): void {
  const lines = input.toString('utf8').split('\n').slice(0, 200);
  const snapshots = lines.map((line) => {
    const [takenAt = '', group = '', ...tags] = line.split(' ');
    return { takenAt, group, tags: tags.filter(Boolean) };
  });
  const policy = policyOf(dice);
  const verdicts = applyRetention(snapshots, policy, dice.oneIn(2) ? { now: NOW } : {});
  assert.equal(new Set(verdicts.map(({ snapshot }) => snapshot)).size, snapshots.length);
  for (const [, group] of Map.groupBy(verdicts, ({ snapshot }) => snapshot.group)) {
    assert.ok(
      group.some(({ reasons }) => reasons.length > 0),
      'a group has lost its newest',
    );
    for (const { snapshot, reasons } of group) {
      assert.ok(snapshot.tags.length === 0 || reasons.length > 0);
    }
  }
}

function policyOf(dice: Dice): RetentionPolicy {
  const counts = PERIODS.filter(() => dice.oneIn(3)).map((period) => [period, 1 + dice.below(9)]);
  const within = dice.oneIn(2)
    ? parseDuration(dice.pick(['7d', '1y6m', '99999y', '1h']))
    : undefined;
  const last = dice.oneIn(2) ? 1 + dice.below(3) : undefined;
  return { ...(Object.fromEntries(counts) as RetentionPolicy), within, last };
}
