import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { formatRace, markdownTables } from '../../race/text.ts';
import { heatRecord, raceRecord } from './sample.ts';
import type { RaceRecord } from '../../race/record.ts';

/** Kget+ and two rivals, one of which failed. */
function race(change: Partial<RaceRecord> = {}): RaceRecord {
  return raceRecord(
    [
      heatRecord('kgetplus', [10, 12, 14, 16, 38], { agentsUpSeconds: 2, frontendBytes: 2500 }),
      heatRecord('scp at once', [36, 37, 38, 39, 40]),
      heatRecord('kaget', [8, 16, 24, 32, null], {
        exitCode: 3,
        complaint: 'first\n\nlast words\n',
      }),
    ],
    { absent: [{ contender: 'restic', reason: 'not installed: restic' }], ...change },
  );
}

/** The cells of the line that begins with `name`, in the table with that title. */
function cells(text: string, title: string, name: string): string[] {
  const [, after = ''] = text.split(`\n${title}`);
  const [table = ''] = after.split('\n\n');
  const line = table.split('\n').find((candidate) => candidate.startsWith(`${name} `)) ?? '';
  return line.trim().split(/ {2,}/);
}

void it('`formatRace` has each figure in its column when a race is given', () => {
  const text = formatRace(race());
  const times = 'When, from the start of the command';
  assert.deepEqual(cells(text, times, 'kgetplus'), [
    'kgetplus',
    '5/5',
    '38.0',
    '0.95',
    '18.0',
    '2.25',
    '14.0',
    '1.75',
    '16.0',
    '2.00',
  ]);
  assert.deepEqual(cells(text, times, 'kaget'), [
    'kaget',
    '4/5',
    '–',
    '–',
    '–',
    '–',
    '24.0',
    '3.00',
    '32.0',
    '4.00',
  ]);
  assert.deepEqual(cells(text, 'When, from the moment when all agents were up', 'kgetplus'), [
    'kgetplus',
    '2.00',
    '36.0',
    '0.90',
    '16.0',
    '2.00',
    '12.0',
    '1.50',
    '14.0',
    '1.75',
  ]);
  assert.deepEqual(cells(text, 'Cost', 'kgetplus'), [
    'kgetplus',
    '2.44 KiB',
    '0.50',
    '1.25',
    '11.7 KiB',
    '5',
    '3.00',
    '120000',
    '7.00',
    '1.00 KiB',
    '2.00 KiB',
  ]);
});

void it('`formatRace` says what was measured where when a race is given', () => {
  const text = formatRace(race());
  for (const words of [
    'Race small, 2026-11-22 09:30:00 UTC',
    '5 nodes at 8mbit, frontend at 8mbit; one switch',
    'iperf3 brought 8.00 Mbit/s to the frontend',
    'all images take 40.0 s (the limit)',
    'clush runs true(1) on all nodes in 1.50 s; kgetplus gather --dry-run takes 3.00 s, and ' +
      '4.00 s when agents have to be shipped first; all agents were up after: kgetplus 2.00 s',
    'scp at once: OpenSSH_9.2p1',
    '2 × AMD EPYC, 8.00 GiB, kernel 6.18; Node.js 26.10.0, commit dca420d',
  ]) {
    assert.ok(text.replace(/\n +/g, ' ').includes(words), words);
  }
});

void it('`formatRace` compares with the best rival, and says so when Kget+ is worse', () => {
  const text = formatRace(race());
  assert.match(text, /kgetplus: mean release 18\.0 s, 2\.11 × sooner than scp at once \(38\.0 s\)/);
  assert.match(text, /kgetplus: all done 38\.0 s, 1\.05 × sooner than scp at once \(40\.0 s\)/);
  const slower = raceRecord([heatRecord('kgetplus', [50]), heatRecord('kaget', [40])]);
  assert.match(formatRace(slower), /all done 50\.0 s, 1\.25 × later than kaget \(40\.0 s\)/);
});

void it('`formatRace` names failures with the complaint, and who did not run', () => {
  const text = formatRace(race());
  assert.match(
    text,
    /\n {2}kaget, round 1: exit code 3, 1 of 5 images missing\n {4}first\n {4}last words\n/,
  );
  assert.match(text, /\nDid not run\n {2}restic: not installed: restic\n/);
  assert.doesNotMatch(formatRace(raceRecord([heatRecord('kaget', [1])])), /Failed|Did not run/);
});

void it('`formatRace` has the range of the total when there are several rounds', () => {
  const text = formatRace(
    raceRecord([
      heatRecord('kaget', [36]),
      heatRecord('kaget', [38], { round: 2 }),
      heatRecord('kaget', [37], { round: 3 }),
    ]),
  );
  assert.match(text, /\nkaget +1\/1 +37\.0 .* 3: 36\.0–38\.0\n/);
});

void it('`formatRace` keeps to 120 columns and prints no controls when names are hostile', () => {
  const hostile = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\u001b', '\u202e', '🚀') });
  fc.assert(
    fc.property(hostile, (text) => {
      const heats = [1, 2].map((round) =>
        heatRecord(`kgetplus ${text}`, [12_345.6, 23_456.7], {
          round,
          exitCode: 1,
          complaint: text.repeat(50),
          agentsUpSeconds: 123.4,
          frontendBytes: 123_456_789,
        }),
      );
      const lab = { nodes: 5, rate: text, frontendRate: text, topology: text };
      const printed = formatRace(
        raceRecord(heats, { profile: text, lab, absent: [{ contender: text, reason: text }] }),
      );
      assert.doesNotMatch(printed, /(?!\n)[\p{Cc}\p{Cf}]/u);
      for (const line of printed.split('\n')) assert.ok(Array.from(line).length <= 120, line);
    }),
  );
});

void it('`markdownTables` has the tables of the text when a race is given', () => {
  const text = markdownTables(race());
  assert.ok(
    text.includes(
      '| kgetplus | 5/5 | 38.0 | 0.95 | 18.0 | 2.25 | 14.0 | 1.75 | 16.0 | 2.00 |\n' +
        '| scp at once | 5/5 | 40.0 | 1.00 | 38.0 | 4.75 | 38.0 | 4.75 | 39.0 | 4.88 |\n',
    ),
  );
  assert.equal(text.split('\n').filter((line) => line.startsWith('| --- | --: |')).length, 3);
});

void it('`markdownTables` keeps to its columns when names are hostile', () => {
  const text = markdownTables(raceRecord([heatRecord('a|b\n<img>', [1])]));
  assert.ok(text.includes(String.raw`| a\|b\\n\<img\> | 1/1 |`));
});
