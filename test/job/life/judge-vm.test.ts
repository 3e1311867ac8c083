import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FoundVm } from '../../../src/control/host-calls.ts';
import {
  hasSucceeded,
  judgeVm,
  outcomeText,
  type JudgeOptions,
} from '../../../src/job/life/judge-vm.ts';
import { foundVm } from '../fake-host.ts';

const NORMAL: JudgeOptions = {
  sinceStartMs: 10_000,
  sinceCommandMs: 5000,
  bootLimitMs: 60_000,
  timeLimitMs: 100_000,
};

function judged(fields: Partial<FoundVm>, options: Partial<JudgeOptions> = {}) {
  return judgeVm(foundVm({ name: 'count.1', ...fields }), { ...NORMAL, ...options });
}

function reasonOf(progress: ReturnType<typeof judgeVm>): string | undefined {
  if (progress.phase !== 'ended' || progress.outcome.kind !== 'failed') return undefined;
  return progress.outcome.reason;
}

void suite('judgeVm', () => {
  void test('`judgeVm` follows a machine from its boot to its exit status', () => {
    const lines = ['ready', 'started', 'exit 3', 'outputs 10240', 'done'];
    const phases = lines.map((_, count) => judged({ events: lines.slice(0, count) }).phase);
    assert.deepEqual(phases, ['booting', 'booting', 'running', 'collecting', 'collecting']);
    assert.deepEqual(judged({ events: lines }), {
      phase: 'ended',
      outcome: { kind: 'exit', status: 3 },
      outputBytes: 10240,
    });
  });

  void test('`judgeVm` takes the exit status of a machine that has been shut down since', () => {
    const progress = judged({ state: 'stopped', events: ['started', 'exit 0', 'done'] });
    assert.ok(progress.phase === 'ended' && hasSucceeded(progress.outcome));
  });

  void test('`judgeVm` gives a machine up that does not boot in time, unless it stands still', () => {
    const late = { sinceStartMs: 60_001 };
    assert.equal(reasonOf(judged({}, late)), 'never-booted');
    assert.equal(judged({ state: 'suspended' }, late).phase, 'booting');
    assert.equal(judged({ state: 'paused' }, late).phase, 'booting');
  });

  void test('`judgeVm` gives a command up only some time after the limit that the guest keeps', () => {
    const events = ['ready', 'started'];
    assert.equal(judged({ events }, { sinceCommandMs: 110_000 }).phase, 'running');
    assert.equal(reasonOf(judged({ events }, { sinceCommandMs: 130_001 })), 'time-limit');
    const free = { sinceCommandMs: 10 ** 9, timeLimitMs: null };
    assert.equal(judged({ events }, free).phase, 'running');
  });

  void test('`judgeVm` tells panics, killed machines and faults of the runner apart', () => {
    const events = ['started'];
    assert.equal(reasonOf(judged({ state: 'panicked', events })), 'panicked');
    const killed = { reason: 'killed', detail: 'signal 9' } as const;
    assert.equal(reasonOf(judged({ state: 'stopped', exit: killed, events })), 'killed');
    const left = { reason: 'guest', detail: '' } as const;
    assert.equal(reasonOf(judged({ state: 'stopped', exit: left, events })), 'ended');
    assert.equal(reasonOf(judged({ events: ['ready', 'failed no job disk'] })), 'runner');
    assert.equal(reasonOf(judged({ events: ['ready', 'done'] })), 'runner');
  });

  void test('`judgeVm` gives a machine up that was made, and that nobody has started', () => {
    assert.equal(reasonOf(judged({ state: 'defined' })), 'not-created');
  });

  void test('`judgeVm` gives a machine up whose guest reboots, as after a panic that nobody saw', () => {
    const events = ['ready', 'started', 'ready', 'started'];
    assert.equal(reasonOf(judged({ events })), 'ended');
  });

  void test('`outcomeText` names the time limit', () => {
    assert.equal(outcomeText({ kind: 'exit', status: 124 }), 'exit 124 (time limit)');
    assert.equal(
      outcomeText({ kind: 'failed', reason: 'never-booted', detail: '' }),
      'never booted',
    );
  });
});
