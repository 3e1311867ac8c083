/** Inputs that once were taken badly, and some that are nasty: `corpus/TARGET--WHAT.input`. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { diceOf } from '../../fuzz/dice.ts';
import { targets } from '../../fuzz/targets.ts';
import { tryBytes } from '../../fuzz/try-input.ts';
import { hasZstd } from '../../src/content/zstd.ts';
import { temporaryDirectory } from '../content/fixtures.ts';

const CORPUS = join(import.meta.dirname, 'corpus');

/** What a trial chooses itself is chosen anew so often. */
const TRIALS = 12;

const skip = hasZstd ? false : 'this Node.js has no zstd';
const names = readdirSync(CORPUS).toSorted();

for (const name of names) {
  const [targetName = '', what = ''] = name.replace(/\.input$/, '').split('--');
  const title = `\`${targetName}\` takes or refuses: ${what.replaceAll('-', ' ')}`;
  void test(title, { skip }, async (t) => {
    const target = targets.find((it) => it.name === targetName);
    assert.ok(target !== undefined, `${name}: there is no such target`);
    const input = readFileSync(join(CORPUS, name));
    const file = join(temporaryDirectory(t), 'input');
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const dice = diceOf(`corpus ${name} ${trial}`);
      const outcome = await tryBytes(target, Buffer.from(input), { file, dice });
      assert.equal(outcome.kind, 'allowed', 'what' in outcome ? outcome.what : '');
    }
  });
}

void test('the corpus has an input for each target', () => {
  const covered = new Set(names.map((name) => name.split('--')[0]));
  assert.deepEqual(
    targets.filter(({ name }) => !covered.has(name)).map(({ name }) => name),
    [],
  );
});
