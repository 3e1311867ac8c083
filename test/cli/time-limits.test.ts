import assert from 'node:assert/strict';
import { Command } from 'commander';
import { test } from 'node:test';
import {
  addTimeLimitOptions,
  readTimeLimits,
  type TimeLimitOptions,
} from '../../src/cli/time-limits.ts';
import { RUN_LIMITS } from '../../src/coordinator/limits.ts';

function limitsOf(...words: string[]) {
  const command = addTimeLimitOptions(new Command().exitOverride().configureOutput(SILENT));
  command.parse(words, { from: 'user' });
  return readTimeLimits(command.opts<TimeLimitOptions>());
}

const SILENT = { writeErr: () => {} };

void test('`readTimeLimits` has the defaults of a run when nothing is said', () => {
  assert.deepEqual(limitsOf(), RUN_LIMITS);
});

void test('`readTimeLimits` takes what is said', () => {
  const words = ['--stall-timeout', '2s', '--agent-timeout', '1.5min', '--give-up-after', '1h'];
  const said = { stallMs: 2000, agentMs: 90_000, giveUpMs: 3_600_000 };
  assert.deepEqual(limitsOf(...words), { ...RUN_LIMITS, ...said });
});

void test('`readTimeLimits` lets a run wait longer than for anything in it', () => {
  assert.equal(limitsOf('--stall-timeout', '1h').giveUpMs, 4 * 3_600_000);
});

void test('`readTimeLimits` throws `usage` when the run would end first', () => {
  const words = ['--give-up-after', '2min', '--agent-timeout', '2min'];
  assert.throws(() => limitsOf(...words), { code: 'usage', message: /--agent-timeout 2min/ });
});

void test('`addTimeLimitOptions` refuses what is no time, or is out of bounds', () => {
  for (const value of ['999', '0s', '0.9s', '61min', '1d', 'for ever']) {
    assert.throws(() => limitsOf('--stall-timeout', value), /wanted 1s to 1h/);
  }
  assert.throws(() => limitsOf('--agent-timeout', '4s'), /wanted 5s to 1h/);
  assert.throws(() => limitsOf('--give-up-after', '25h'), /wanted 2min to 24h/);
});
