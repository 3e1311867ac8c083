import { Command } from 'commander';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { systemClock } from '../../src/base/system-clock.ts';
import { readManifest } from '../../src/catalogue/manifest.ts';
import { addPrune } from '../../src/cli/prune.ts';
import type { System } from '../../src/cli/system.ts';
import { addTag } from '../../src/cli/tag.ts';
import { takeLease } from '../../src/store/lease.ts';
import { makeSampleStore, putChunk, type SampleStore } from '../upkeep/sample-store.ts';

const FIRST = '20260101T000000Z-000001';
const SECOND = '20260102T000000Z-000002';

void suite('kgetplus prune', () => {
  void test('tells what is forgotten, why the rest stays, and what becomes of chunks', async (t) => {
    const store = await twoRuns(t);
    const text = await run(store, ['prune', '--keep-daily', '1']);
    assert.match(text, new RegExp(`keep {4}${SECOND}/n1/disk \\(daily\\)`));
    assert.match(text, new RegExp(`forget {2}${FIRST}/n1/disk\n`));
    assert.match(text, /Snapshots forgotten: 1\n/);
    assert.match(text, /Chunks in use: 2 /);
    assert.match(text, /Chunks set aside: 1 /);
    assert.equal(store.aside(), 'a');

    const lease = takeLease(store.place, 'restore');
    const later = await run(store, ['prune']);
    lease.release();
    assert.match(later, /Snapshots forgotten: 0: no --keep option was given/);
    assert.match(later, /Chunks set aside before: 1 .* kept until 20\d\d-/);
    assert.match(await run(store, ['prune', '--grace', '0']), /Chunks removed: 1 /);
  });

  void test('names who has to end before chunks are removed', async (t) => {
    const store = await twoRuns(t);
    const lease = takeLease(store.place, 'serve');
    putChunk(store.fileOf('z'), 'z');
    await run(store, ['prune']);
    const text = await run(store, ['prune', '--grace', '0h']);
    lease.release();
    assert.match(text, new RegExp(`and for the end of serve, process ${process.pid} on `));
    assert.equal(store.aside(), 'z');
  });

  void test('changes nothing with --dry-run, and prints JSON', async (t) => {
    const store = await twoRuns(t);
    const words = ['prune', '--keep-last', '1', '--nodes', 'n[1-2]', '--dry-run', '--json'];
    const report = JSON.parse(await run(store, words)) as Record<string, unknown>;
    assert.equal(report['isDry'], true);
    assert.ok(existsSync(store.indexOf({ run: FIRST })));
    assert.match(await run(store, ['prune', '-n', '--keep-within', '1h']), /would be forgotten: 1/);
  });

  void test('refuses numbers and durations that are none', async (t) => {
    const store = await twoRuns(t);
    for (const words of [
      ['--keep-last', 'few'],
      ['--keep-within', 'long'],
      ['--grace', 'soon'],
    ]) {
      await assert.rejects(run(store, ['prune', ...words]), { code: 'commander.invalidArgument' });
    }
    assert.ok(existsSync(store.indexOf({ run: FIRST })));
  });
});

void suite('kgetplus tag', () => {
  void test('adds and removes tags, and prune keeps what has some', async (t) => {
    const store = await twoRuns(t);
    assert.equal(
      await run(store, ['tag', '20260101', '--add', 'gold', '--add', 'x']),
      `${FIRST}  gold, x\n`,
    );
    assert.deepEqual(readManifest(store.manifestOf(FIRST)).tags, ['gold', 'x']);
    assert.match(await run(store, ['prune', '--keep-last', '1']), /tagged gold, tagged x/);
    assert.equal(
      await run(store, ['tag', '*', '--remove', 'gold', '--remove', 'x']),
      `${FIRST}  -\n${SECOND}  -\n`,
    );
    assert.match(await run(store, ['prune', '--keep-last', '1']), /forgotten: 1/);
    assert.equal(await run(store, ['tag', 'latest']), `${SECOND}  -\n`);
  });

  void test('refuses tags that are none, and runs that are none', async (t) => {
    const store = await twoRuns(t);
    for (const tag of ['', 'two words', '-x', 'x'.repeat(65)]) {
      await assert.rejects(run(store, ['tag', 'latest', `--add=${tag}`]), { code: 'usage' });
    }
    await assert.rejects(run(store, ['tag', '1999', '--add', 'x']), { code: 'usage' });
    const both = run(store, ['tag', 'latest', '--add', 'x', '--remove', 'x']);
    await assert.rejects(both, { code: 'usage' });
    assert.deepEqual(readManifest(store.manifestOf(SECOND)).tags, []);
  });
});

async function twoRuns(t: Parameters<typeof makeSampleStore>[0]): Promise<SampleStore> {
  const store = makeSampleStore(t);
  await store.add({ run: FIRST, letters: 'ab' });
  await store.add({ run: SECOND, letters: 'bc' });
  return store;
}

/** What a command prints. */
async function run(store: SampleStore, words: readonly string[]): Promise<string> {
  let text = '';
  const stream = {
    isTTY: false,
    write(piece: string) {
      text += piece;
      return true;
    },
  };
  let taken = 0;
  const system = {
    clock: systemClock,
    entropy: {
      hex: (count: number) => `${(taken += 1)}${process.hrtime.bigint()}`.slice(-2 * count),
    },
    stdout: stream,
    stderr: stream,
    chunkWorkerFile: join(import.meta.dirname, '../../src/store/chunk-worker.ts'),
    processors: 1,
    environment: { KGETPLUS_STORE: store.place.directory },
    interrupt: new AbortController().signal,
    setExitCode: () => {},
  } as unknown as System;
  const program = new Command('kgetplus');
  addPrune(program, system);
  addTag(program, system);
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  await program.parseAsync(words, { from: 'user' });
  return text;
}
