import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { tryInputs } from '../../fuzz/crew.ts';
import type { Target } from '../../fuzz/target.ts';
import { targets } from '../../fuzz/targets.ts';
import { inputOf, tryInput } from '../../fuzz/try-input.ts';
import { hasZstd } from '../../src/content/zstd.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { isFatal, targets as badTargets } from './bad-targets.ts';

const INPUTS = 800;
const SEED = 20_261_122;
const BAD_TARGETS_FILE = join(import.meta.dirname, 'bad-targets.ts');
const skip = hasZstd ? false : 'this Node.js has no zstd';

for (const target of targets) {
  void test(`\`${target.name}\` takes or refuses ${INPUTS} bad inputs`, { skip }, async (t) => {
    const file = join(temporaryDirectory(t), 'input');
    const samples = target.samples();
    const counts = new Map<string, number>();
    for (let number = 0; number < INPUTS; number += 1) {
      const outcome = await tryInput(target, samples, { seed: SEED, number, file });
      const again = `--target ${target.name} --seed ${SEED} --from ${number} --inputs 1`;
      if (outcome.kind === 'finding') assert.fail(`${again}: ${outcome.what}`);
      counts.set(outcome.as, (counts.get(outcome.as) ?? 0) + 1);
    }
    // Inputs that are all refused, or all taken, would test little.
    assert.ok(counts.has('returned'), 'none was taken');
    assert.ok(
      target.codes.some((code) => counts.has(code)),
      'none was refused',
    );
  });
}

const FAULTS: readonly [string, RegExp, number?][] = [
  ['throws', /^TypeError: a fault of this target/],
  ['rejects', /^internal: .*a code that is not allowed/],
  ['hangs', /^it took more than 1500 ms/, 1500],
  ['exits', /^the process ended with 3: /],
  ['escapes', /^the process ended with 1: [^]*an error that nobody catches/],
  ['allocates', /^it took \d+ B of new buffers/],
];

for (const [name, pattern, stallMs = 60_000] of FAULTS) {
  void test(`\`tryInputs\` finds the input when a target ${name}`, async () => {
    const target = badTargets.find((it) => it.name === name);
    assert.ok(target !== undefined);
    const number = firstFatal(target);
    const share = { target: name, seed: SEED, from: 0, count: number + 3 };
    const options = { targetsFile: BAD_TARGETS_FILE, processes: 1, stallMs };
    const { findings } = await tryInputs(share, options);
    assert.deepEqual(
      findings.map((finding) => finding.number),
      fatalBelow(target, share.count),
    );
    assert.match(findings[0]?.what ?? '', pattern);
    const again = await tryInputs({ ...share, from: number, count: 1 }, options);
    assert.deepEqual(
      again.findings.map((finding) => finding.number),
      [number],
    );
  });
}

function fatalBelow(target: Target, count: number): number[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  return numbers.filter((number) => isFatal(inputOf(target, [], { seed: SEED, number })));
}

function firstFatal(target: Target): number {
  const [first] = fatalBelow(target, 500);
  assert.ok(first !== undefined);
  return first;
}

void test('`tryInputs` counts the same with any number of processes', { skip }, async () => {
  const share = { target: 'blob-index', seed: SEED, from: 5, count: 4500 };
  const targetsFile = join(import.meta.dirname, '../../fuzz/targets.ts');
  const options = { targetsFile, stallMs: 60_000 };
  const alone = await tryInputs(share, { ...options, processes: 1 });
  assert.deepEqual(await tryInputs(share, { ...options, processes: 2 }), alone);
  assert.equal(
    Object.values(alone.counts).reduce((sum, count) => sum + count, 0),
    4500,
  );
});
