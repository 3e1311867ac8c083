import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { watchArrivals } from '../../race/arrivals.ts';

void describe('watchArrivals', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kgetplus-arrivals-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Starts a watch, and waits until it has looked after each step. */
  async function watched(...steps: readonly (() => void)[]) {
    const beats: string[] = [];
    const watch = watchArrivals({ directories: [directory], onNew: (path) => beats.push(path) });
    for (const [index, step] of steps.entries()) {
      step();
      const beat = join(directory, `beat${index}`);
      writeFileSync(beat, '');
      while (!beats.includes(beat)) await new Promise(setImmediate);
    }
    const arrivals = watch.stop();
    return (name: string): number => arrivals.get(join(directory, name)) ?? Number.NaN;
  }

  void it('`watchArrivals` takes the last write, not the first', async () => {
    const file = join(directory, 'disk.img');
    const at = await watched(
      () => writeFileSync(file, 'first'),
      () => appendFileSync(file, 'second'),
    );
    assert.equal(at('disk.img'), at('beat1'));
  });

  void it('`watchArrivals` sees a file that replaces an equal one', async () => {
    const file = join(directory, 'disk.img');
    const at = await watched(
      () => writeFileSync(file, 'same'),
      () => {
        writeFileSync(`${file}.new`, 'same');
        renameSync(`${file}.new`, file);
      },
    );
    assert.equal(at('disk.img'), at('beat1'));
  });

  void it('`watchArrivals` leaves the time of a file that stays as it is', async () => {
    const at = await watched(
      () => {
        mkdirSync(join(directory, 'kn01'));
        writeFileSync(join(directory, 'kn01/disk.img'), 'whole');
      },
      () => undefined,
    );
    assert.equal(at('kn01/disk.img'), at('beat0'));
    assert.ok(at('beat0') < at('beat1'));
  });
});
