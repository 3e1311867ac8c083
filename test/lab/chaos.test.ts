import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { summarise, type RoundRecord } from '../../chaos/record.ts';
import { missingForChaos, playSeries } from '../../chaos/series.ts';
import { roundLine } from '../../chaos/text.ts';

const missing = missingForChaos();
const skip = missing.length > 0 && missing.join('; ');

/** Rounds that are short, and in which between them most kinds of faults strike. */
const SEED = 8;
const ROUNDS = 10;

void suite('gather among faults', { skip, timeout: 300_000 }, () => {
  void test(`\`gather\` loses nothing in ${ROUNDS} rounds with faults`, async () => {
    const rounds: RoundRecord[] = [];
    await playSeries({
      seed: SEED,
      from: 1,
      rounds: ROUNDS,
      onRound: (round) => rounds.push(round),
    });
    const findings = rounds.filter(({ problems }) => problems.length > 0);
    const texts = findings.map((round) => [roundLine(round, SEED), ...round.problems].join('\n'));
    assert.deepEqual(texts, []);
    const { kinds } = summarise(rounds);
    const struck = kinds.filter((kind) => kind.struck > 0);
    assert.ok(struck.length >= 6, `${struck.length} kinds of faults struck`);
  });
});
