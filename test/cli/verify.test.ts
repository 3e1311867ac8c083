import { Command } from 'commander';
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { systemClock } from '../../src/base/system-clock.ts';
import type { System } from '../../src/cli/system.ts';
import { addVerify } from '../../src/cli/verify.ts';
import { drawImage, temporaryDirectory } from '../content/fixtures.ts';
import { makeSampleStore, type SampleStore } from '../upkeep/sample-store.ts';

const RUN = '20260101T000000Z-000001';

interface Ended {
  readonly exitCode: number;
  readonly text: string;
}

void suite('kgetplus verify', () => {
  void test('ends with 0 when all is good', async (t) => {
    const store = await oneRun(t);
    const { exitCode, text } = await run(store, []);
    assert.equal(exitCode, 0);
    assert.match(
      text,
      /Read 3 of 3 chunks, 12.0 KiB of 12.0 KiB, for 1 snapshot\.\nAll is good\.\n/,
    );
  });

  void test('ends with 5 when a chunk is bad, and names the snapshots', async (t) => {
    const store = await oneRun(t);
    rmSync(store.fileOf('b'));
    const { exitCode, text } = await run(store, ['latest']);
    assert.equal(exitCode, 5);
    assert.match(text, new RegExp(`it is missing\n {2}hurts ${RUN}/n1/disk\n`));
    assert.match(text, /Bad chunks: 1; repaired: 0/);
  });

  void test('ends with 0 when all was repaired', async (t) => {
    const store = await oneRun(t);
    rmSync(store.fileOf('b'));
    const copy = join(temporaryDirectory(t), 'copy');
    writeFileSync(copy, drawImage('b'));
    const { exitCode, text } = await run(store, ['--repair-from', copy]);
    assert.equal(exitCode, 0);
    assert.match(text, /repaired from .*copy, was needed by/);
    assert.equal(store.stored(), 'ab.');
  });

  void test('fetches from nodes by the remote shell that is given', async (t) => {
    const store = await oneRun(t);
    rmSync(store.fileOf('b'));
    const image = join(temporaryDirectory(t), 'image');
    writeFileSync(image, drawImage('ab.'));
    // A node whose images lie elsewhere: the path of the manifest is not asked for.
    const ssh = `sh -c 'tail -c +4097 ${image} | head -c 4096'`;
    const { exitCode } = await run(store, ['--repair-from', 'n[1-3]', '--ssh', ssh]);
    assert.equal(exitCode, 0);
  });

  void test('names the seed of a sample, which repeats it', async (t) => {
    const store = await oneRun(t);
    const { text } = await run(store, ['--sample', '50%', '--seed', '7']);
    assert.match(text, /a sample of 50%, --seed 7/);
    assert.equal((await run(store, ['--sample', '50%', '--seed', '7'])).text, text);
    const drawn = JSON.parse((await run(store, ['--sample', '5%', '--json'])).text) as object;
    assert.ok('seed' in drawn && typeof drawn.seed === 'number');
  });

  void test('ends with 130 when it is stopped', async (t) => {
    const store = await oneRun(t);
    const interrupt = new AbortController();
    interrupt.abort();
    // While the chunk table is made there is nothing to tell yet: an error.
    const stopped = run(store, [], interrupt.signal);
    await assert.rejects(stopped, { code: 'cancelled' });
  });

  void test('refuses shares, seeds and sources that are none', async (t) => {
    const store = await oneRun(t);
    for (const words of [
      ['--sample', '0%'],
      ['--sample', '101%'],
      ['--sample', '5'],
      ['--seed', '-1'],
    ]) {
      await assert.rejects(run(store, words), { code: 'commander.invalidArgument' });
    }
    const nothing = run(store, ['--repair-from', './nothing']);
    await assert.rejects(nothing, { code: 'usage', message: /there is nothing/ });
    const directory = run(store, ['--repair-from', temporaryDirectory(t)]);
    await assert.rejects(directory, { code: 'usage', message: /neither an image nor a store/ });
  });
});

async function oneRun(t: Parameters<typeof temporaryDirectory>[0]): Promise<SampleStore> {
  const store = makeSampleStore(t);
  await store.add({ run: RUN, letters: 'ab.' });
  return store;
}

async function run(
  store: SampleStore,
  words: readonly string[],
  interrupt = new AbortController().signal,
): Promise<Ended> {
  let text = '';
  let exitCode = 0;
  const stream = {
    isTTY: false,
    write(piece: string) {
      text += piece;
      return true;
    },
  };
  const system = {
    clock: systemClock,
    entropy: { hex: (count: number) => 'a'.repeat(2 * count) },
    stdout: stream,
    stderr: stream,
    chunkWorkerFile: join(import.meta.dirname, '../../src/store/chunk-worker.ts'),
    processors: 2,
    environment: { XDG_CONFIG_HOME: store.place.directory },
    interrupt,
    setExitCode: (code: number) => {
      exitCode = code;
    },
  } as unknown as System;
  const program = new Command('kgetplus');
  addVerify(program, system);
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  await program.parseAsync(['verify', '--store', store.place.directory, ...words], {
    from: 'user',
  });
  return { exitCode, text };
}
