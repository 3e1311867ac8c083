import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { foldJournal, type JournalRecord } from '../../src/coordinator/journal.ts';
import { openJournal, readJournal } from '../../src/coordinator/journal-file.ts';
import { temporaryDirectory } from '../control/temporary.ts';

const run: JournalRecord = { type: 'run', run: 'r1', startedAt: '2026-01-01T00:00:00Z' };
const image = (node: string): JournalRecord => ({
  type: 'image',
  image: `${node}:/d`,
  node,
  path: '/d',
  sizeBytes: 7,
});
const copy = (node: string, at: string | null): JournalRecord => ({
  type: 'copy',
  image: `${node}:/d`,
  at,
});

void suite('foldJournal', () => {
  void test('`foldJournal` finds nothing to continue when the last run has ended', () => {
    assert.equal(foldJournal([]), undefined);
    assert.equal(foldJournal([run, image('n1'), { type: 'end' }]), undefined);
  });

  void test('`foldJournal` tells released nodes, and where copies are', () => {
    const records = [run, image('n1'), image('n2'), copy('n1', 'n2'), copy('n2', null)];
    const resumption = foldJournal([...records, { type: 'released', node: 'n1' }]);
    assert.deepEqual([...(resumption?.released ?? [])], ['n1']);
    assert.deepEqual(resumption?.images.get('n1:/d')?.copies, ['n2']);
    assert.equal(resumption?.images.get('n1:/d')?.safe, false);
    assert.equal(resumption?.images.get('n2:/d')?.safe, true);
  });

  void test('`foldJournal` keeps what a run reached that was continued and interrupted again', () => {
    const first = [run, image('n1'), copy('n1', null), { type: 'released', node: 'n1' } as const];
    const again = { ...run, run: 'r2' };
    const resumption = foldJournal([...first, again, image('n2')]);
    assert.equal(resumption?.run, 'r2');
    assert.equal(resumption?.images.get('n1:/d')?.safe, true);
    assert.equal(resumption?.images.get('n2:/d')?.safe, false);
  });

  void test('`foldJournal` counts no older copy of an image that its node has named again', () => {
    const resumption = foldJournal([run, image('n1'), copy('n1', null), run, image('n1')]);
    assert.equal(resumption?.images.get('n1:/d')?.safe, false);
  });
});

void suite('journal file', () => {
  void test('`readJournal` leaves a torn tail out, and `openJournal` cuts it off', () => {
    const path = join(temporaryDirectory(), 'journal.jsonl');
    const journal = openJournal(path, 0);
    journal.append(run);
    journal.append(image('n1'));
    journal.close();
    appendFileSync(path, '{"type":"copy","ima');
    const { records, goodBytes } = readJournal(path);
    assert.deepEqual(records, [run, image('n1')]);
    const again = openJournal(path, goodBytes);
    again.append(copy('n1', null));
    again.close();
    assert.deepEqual(readJournal(path).records, [run, image('n1'), copy('n1', null)]);
  });

  void test('`openJournal` begins anew when nothing is to be kept', () => {
    const path = join(temporaryDirectory(), 'journal.jsonl');
    const journal = openJournal(path, 0);
    journal.append(run);
    journal.close();
    openJournal(path, 0).close();
    assert.equal(readFileSync(path, 'utf8'), '');
  });
});
