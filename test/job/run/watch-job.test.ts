import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../../src/base/error.ts';
import type { FoundVm } from '../../../src/control/host-calls.ts';
import type { JobOutcome } from '../../../src/job/record/job-record.ts';
import { watchJob, type WatchOptions } from '../../../src/job/run/watch-job.ts';
import { idleClock } from '../../coordinator/idle-clock.ts';
import { fakeHost, foundVm } from '../fake-host.ts';

type Answer = readonly FoundVm[] | 'silent';

/**
 * Hosts that answer from scripts: look for look, the last answer for ever. What became of the
 * machines, as text.
 */
async function watched(
  scripts: Readonly<Record<string, readonly Answer[]>>,
  wishes: Partial<WatchOptions> = {},
) {
  const said: string[] = [];
  const hostOf = (node: string) => {
    let looks = 0;
    return fakeHost(node, {
      async look() {
        const script = scripts[node] ?? [];
        const answer = script[Math.min(looks++, script.length - 1)] ?? [];
        if (answer === 'silent') throw new KgetError('timeout', `${node} is silent`);
        return { vms: [...answer] };
      },
    });
  };
  const nodes = Object.keys(scripts);
  const result = await watchJob({
    job: 'count',
    spec: { bootLimitMs: 60_000, timeLimitMs: null },
    vms: new Map([['count.1', nodes[0] ?? '']]),
    hosts: new Map(nodes.map((node) => [node, hostOf(node)])),
    absent: new Map(),
    clock: idleClock(),
    signal: new AbortController().signal,
    isCancelled: () => false,
    reconnect: async (node) => {
      said.push(`reconnect ${node}`);
      throw new KgetError('unreachable', 'dead');
    },
    onRunning: (vm, node) => said.push(`${vm} runs on ${node}`),
    onMoved: (vm, from, to) => said.push(`${vm} moved from ${from} to ${to}`),
    onEnded: (vm, { node, outcome }) => said.push(`${vm} ended on ${node}: ${textOf(outcome)}`),
    ...wishes,
  });
  return { result, said };
}

function textOf(outcome: JobOutcome): string {
  return outcome.kind === 'exit' ? String(outcome.status) : outcome.reason;
}

function machine(events: readonly string[], fields: Partial<FoundVm> = {}): readonly FoundVm[] {
  return [foundVm({ name: 'count.1', events: [...events], ...fields })];
}

void suite('watchJob', () => {
  void test('`watchJob` tells of a machine once when it runs and once when it has ended', async () => {
    const done = ['started', 'exit 0', 'outputs 1', 'done'];
    const { result, said } = await watched({
      kn01: [machine([]), machine(['started']), machine(done)],
    });
    assert.equal(result, 'ended');
    assert.deepEqual(said, ['count.1 runs on kn01', 'count.1 ended on kn01: 0']);
  });

  void test('`watchJob` follows a machine to another node while both know of it', async () => {
    const { said } = await watched({
      kn01: [machine(['started']), machine(['started'], { state: 'stopped' }), []],
      kn02: [[], machine([], { state: 'incoming' }), machine(['started', 'exit 0', 'done'])],
    });
    assert.deepEqual(said, [
      'count.1 runs on kn01',
      'count.1 moved from kn01 to kn02',
      'count.1 ended on kn02: 0',
    ]);
  });

  void test('`watchJob` gives a machine up when its node stays silent, and not before', async () => {
    const { said } = await watched({ kn01: [machine(['started']), 'silent'] });
    assert.equal(said.at(-1), 'count.1 ended on kn01: lost');
    assert.ok(said.filter((line) => line === 'reconnect kn01').length >= 10);
  });

  void test('`watchJob` goes on with an agent that could be started again', async () => {
    const back = fakeHost('kn01', {
      look: async () => ({ vms: [...machine(['started', 'exit 4', 'done'])] }),
    });
    const { said } = await watched(
      { kn01: [machine(['started']), 'silent'] },
      { reconnect: async () => back },
    );
    assert.deepEqual(said, ['count.1 runs on kn01', 'count.1 ended on kn01: 4']);
  });

  void test('`watchJob` gives a machine up that no node knows of any more', async () => {
    const { said } = await watched({ kn01: [machine(['started']), []], kn02: [[]] });
    assert.equal(said.at(-1), 'count.1 ended on kn01: lost');
  });

  void test('`watchJob` counts the boot of a machine that stood still from when it goes on', async () => {
    const still = Array.from({ length: 90 }, () => machine([], { state: 'paused' }));
    const booting = Array.from({ length: 50 }, () => machine([]));
    const { said } = await watched({
      kn01: [...still, ...booting, machine(['started', 'exit 0', 'done'])],
    });
    assert.equal(said.at(-1), 'count.1 ended on kn01: 0');
    const slow = Array.from({ length: 70 }, () => machine([]));
    const late = await watched({ kn01: [...still, ...slow, machine(['started'])] });
    assert.equal(late.said.at(-1), 'count.1 ended on kn01: never-booted');
  });

  void test('`watchJob` waits for a node that could not be reached to begin with', async () => {
    const failure = { code: 'unreachable', message: 'no route' } as const;
    const { said } = await watched(
      {},
      { vms: new Map([['count.1', 'kn01']]), absent: new Map([['kn01', failure]]) },
    );
    assert.equal(said.at(-1), 'count.1 ended on kn01: lost');
    assert.ok(said.filter((line) => line === 'reconnect kn01').length >= 10);
  });

  void test('`watchJob` ends when the job is cancelled, or the command interrupted', async () => {
    const scripts = { kn01: [machine(['started'])] };
    assert.equal((await watched(scripts, { isCancelled: () => true })).result, 'cancelled');
    const signal = AbortSignal.abort();
    assert.equal((await watched(scripts, { signal })).result, 'interrupted');
  });
});
