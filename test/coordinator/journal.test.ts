import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { endedRun, foldJournal } from '../../src/coordinator/fold-journal.ts';
import type { JournalRecord } from '../../src/coordinator/journal.ts';

const run = { type: 'run', run: 'r1', startedAt: '2026-01-01T00:00:00Z' } as const;
const image = (node: string): JournalRecord => ({
  type: 'image',
  image: `${node}:/d`,
  node,
  path: '/d',
  sizeBytes: 7,
});
const copy = (node: string, at: string | null) =>
  ({ type: 'copy', image: `${node}:/d`, at }) as const;

void suite('foldJournal', () => {
  void test('`foldJournal` finds nothing to continue when the last run has ended', () => {
    assert.equal(foldJournal([]), undefined);
    assert.equal(foldJournal([run, image('n1'), { type: 'end' }]), undefined);
  });

  void test('`foldJournal` tells released nodes, and where copies are', () => {
    const records = [run, image('n1'), image('n2'), copy('n1', 'n2'), copy('n2', null)];
    const resumption = foldJournal([...records, { type: 'released', node: 'n1' }]);
    assert.deepEqual([...(resumption?.released.keys() ?? [])], ['n1']);
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

  void test('`foldJournal` tells which nodes were released when, and which were given back', () => {
    const first = { type: 'released', node: 'n1', seconds: 7, readySeconds: 2 } as const;
    const records = [
      run,
      image('n1'),
      image('n2'),
      first,
      { type: 'given-back', node: 'n1' } as const,
    ];
    const resumption = foldJournal([...records, { type: 'released', node: 'n2' }]);
    assert.deepEqual(resumption?.released.get('n1'), {
      releasedSeconds: 7,
      readySeconds: 2,
      givenBack: true,
    });
    assert.equal(resumption.released.get('n2')?.givenBack, false);
    assert.equal(resumption.lastSeconds, 7);
  });

  void test('`foldJournal` counts a node as released no more once it takes part again', () => {
    const released = { type: 'released', node: 'n1' } as const;
    const back = { type: 'given-back', node: 'n1' } as const;
    const records = [run, image('n1'), image('n2'), released, back];
    assert.equal(foldJournal([...records, image('n1')])?.released.size, 0);
    assert.equal(foldJournal([...records, copy('n2', 'n1')])?.released.size, 0);
    const again = foldJournal([...records, image('n1'), released]);
    assert.equal(again?.released.get('n1')?.givenBack, false, 'each release has its own command');
  });

  void test('`foldJournal` keeps what moved, although a copy counts no more', () => {
    const figures = { from: 'n1', startSeconds: 1, endSeconds: 3, wireBytes: 9, chunks: 1 };
    const done = { ...copy('n1', 'n2'), digest: 'd', dataBytes: 5, transfer: figures };
    const failed = { type: 'failed', image: 'n1:/d', to: null, transfer: figures } as const;
    const resumption = foldJournal([run, image('n1'), done, failed, image('n1')]);
    assert.deepEqual(resumption?.images.get('n1:/d')?.copies, []);
    assert.equal(resumption.images.get('n1:/d')?.digest, undefined);
    assert.deepEqual(resumption.transfers, [
      { ...figures, image: 'n1:/d', to: 'n2', state: 'done' },
      { ...figures, image: 'n1:/d', to: null, state: 'failed' },
    ]);
  });

  void test('`foldJournal` knows how a run was asked for, by all its commands', () => {
    const asked = { command: ['gather', '-w', 'a'], workingDirectory: '/here', nodes: 'a' };
    const other = { command: ['gather', '-w', 'b'], workingDirectory: '/there', nodes: 'b' };
    const resumption = foldJournal([{ ...run, ...asked }, { ...run, ...other }, run]);
    const { command, workingDirectory } = other;
    assert.deepEqual(resumption?.invocation, { command, workingDirectory });
    assert.deepEqual(resumption.nodeSets, ['a', 'b']);
  });

  void test('`endedRun` tells the last run if it has ended', () => {
    const end = { type: 'end', seconds: 5 } as const;
    const { startedAt } = run;
    assert.deepEqual(endedRun([run, image('n1'), run, end]), { run: 'r1', startedAt, seconds: 5 });
    assert.equal(endedRun([run, end, run]), undefined);
    assert.equal(endedRun([]), undefined);
  });
});
