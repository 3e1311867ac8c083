import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playSeeds } from '../../simulation/crew.ts';
import { mutants } from '../../simulation/mutants.ts';
import { noTally } from '../../simulation/tally.ts';

/** `npm run simulate:faults` plays as many as one likes. */
const SEEDS = 300;
/** Within so many each planted fault is found. */
const MUTANT_SEEDS = 500;
const PROCESSES = 2;

void test(`no rule is broken in ${SEEDS} seeds of runs with faults`, async () => {
  const tally = noTally();
  const play = { from: 1, count: SEEDS, processes: PROCESSES, isTold: false, mutant: undefined };
  await playSeeds(play, tally);
  const [first] = tally.bad;
  const again = `npm run simulate:faults -- --seed ${first?.seed}`;
  assert.deepEqual(first?.violations ?? [], [], again);
  assert.equal(tally.seeds, SEEDS);
  // Runs that nothing happens to would test little.
  for (const kind of ['kill', 'power', 'vanish', 'isolate', 'full-disk', 'flip-read']) {
    assert.ok((tally.inflicted[kind] ?? 0) > 0, `no fault of kind ${kind} hit anything`);
  }
  assert.ok(tally.images > tally.doomed * 2, 'most images survive');
});

void test('a seed is the same story each time', async () => {
  const tallies = [noTally(), noTally()];
  for (const tally of tallies) {
    // 16 of them, one of which notes all places in the code.
    const play = { from: 1, count: 16, processes: 1, isTold: false, mutant: undefined };
    await playSeeds(play, tally);
  }
  assert.deepEqual(tallies[0], tallies[1]);
});

for (const { name, what } of mutants) {
  void test(`the fault "${what}" is found within ${MUTANT_SEEDS} seeds`, async () => {
    const tally = noTally();
    await playSeeds(
      {
        from: 1,
        count: MUTANT_SEEDS,
        processes: PROCESSES,
        isTold: false,
        mutant: name,
        enough: 1,
      },
      tally,
    );
    assert.ok(tally.bad.length > 0, `${tally.seeds} seeds, and none breaks a rule`);
  });
}
