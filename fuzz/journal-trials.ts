import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { KgetError } from '../src/base/error.ts';
import { foldJournal } from '../src/coordinator/fold-journal.ts';
import type { JournalRecord } from '../src/coordinator/journal.ts';
import { readJournal } from '../src/coordinator/journal-file.ts';
import { headerLine, journalLine } from '../src/coordinator/journal-lines.ts';
import type { Dice } from './dice.ts';
import { mutateJson } from './mutate-json.ts';
import type { Trial } from './target.ts';

const RECORDS: readonly JournalRecord[] = [
  {
    type: 'run',
    run: '20261122T093000Z-4f2a11',
    startedAt: '2026-11-22T09:30:00Z',
    patterns: ['/vm/*'],
  },
  {
    type: 'image',
    image: 'node1:/vm/d\u00efsk',
    node: 'node1',
    path: '/vm/d\u00efsk',
    sizeBytes: 2048,
  },
  { type: 'copy', image: 'node1:/vm/d\u00efsk', at: 'node2' },
  { type: 'released', node: 'node1' },
  { type: 'copy', image: 'node1:/vm/d\u00efsk', at: null },
  { type: 'end' },
];

const MOST = [RECORDS.length, RECORDS.length - 1, 2, 1];

/** A journal with these records. */
function journalOf(records: readonly unknown[]): Buffer {
  // What is no record is written, too: another version of this program may have other ones.
  const lines = records.map((record) => journalLine(record as JournalRecord));
  return Buffer.from([headerLine(), ...lines].join(''));
}

/** Journals of a run that has ended, and of some that have not; and of version 1. */
export function journalSamples(): Buffer[] {
  const old = recordSamples();
  const mixed = Buffer.concat([...old.slice(2, 3), journalOf(RECORDS.slice(2))]);
  return [...MOST.map((most) => journalOf(RECORDS.slice(0, most))), ...old.slice(0, 2), mixed];
}

/** A journal's good part is a part of it, and read alone it is the same. */
export function tryJournal(input: Buffer, { file }: Trial): void {
  writeFileSync(file, input);
  const { records, goodBytes } = readJournal(file);
  assert.ok(goodBytes <= input.length, `${goodBytes} of ${input.length} B are good`);
  foldJournal(records);
  writeFileSync(file, input.subarray(0, goodBytes));
  const again = readJournal(file);
  assert.deepEqual(again.records, records);
  assert.equal(again.goodBytes, goodBytes);
  if (goodBytes < input.length) throw new KgetError('corrupt', 'a part of it is not good');
}

/** Records, each as JSON on a line. */
export function recordSamples(): Buffer[] {
  return MOST.map((most) =>
    Buffer.from(
      RECORDS.slice(0, most)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(''),
    ),
  );
}

export function mutateRecords(samples: readonly Buffer[], dice: Dice): Buffer {
  const lines = mutateJson(samples, dice).toString('utf8').split('\n');
  const at = dice.below(lines.length);
  const [line = ''] = lines.splice(at, 1);
  const isBack = dice.oneIn(2);
  if (isBack) lines.splice(at, 0, line);
  const isTwice = !isBack && dice.oneIn(2);
  if (isTwice) lines.splice(dice.below(lines.length + 1), 0, line, line);
  return Buffer.from(lines.join('\n'));
}

/** Records of any kind in whole lines: how lines are protected does not keep them from the reader. */
export function tryRecords(input: Buffer, trial: Trial): void {
  const records = input
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
  tryJournal(journalOf(records), trial);
}
