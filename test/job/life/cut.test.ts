import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../../src/base/error.ts';
import { cut } from '../../../src/job/life/cut.ts';
import { fakeHost, type SomeHandlers } from '../fake-host.ts';

const { signal } = new AbortController();
const NAMES = ['a', 'b', 'c', 'd'];
const DONE = { files: [], disks: [] };

/** Hosts with a machine each, which write down what they are asked for, and do it one by one. */
function cluster(faults: Readonly<Record<string, SomeHandlers>> = {}) {
  const said: string[] = [];
  const vms = NAMES.map((vm, place) => {
    const note = async (what: string): Promise<void> => {
      // Hosts are not equally fast.
      for (let turn = 0; turn < place * 5; turn += 1) await Promise.resolve();
      said.push(`${what} ${vm}`);
    };
    const host = fakeHost(`node-${vm}`, {
      async 'prepare-snapshot'() {
        await note('prepare');
        return {};
      },
      async freeze() {
        await note('freeze');
        return { frozen: true };
      },
      async snapshot() {
        await note('snapshot');
        return {};
      },
      async thaw() {
        await note('thaw');
        return { pausedMs: 40 };
      },
      'finish-snapshot': async () => DONE,
      ...faults[vm],
    });
    return { vm, host };
  });
  const last = (what: string): number => said.findLastIndex((line) => line.startsWith(what));
  const first = (what: string): number => said.findIndex((line) => line.startsWith(what));
  return { vms, said, last, first };
}

const options = { memory: false, full: false, name: 'cut-1', signal };

void suite('cut', () => {
  void test('`cut` freezes all before it takes the first, and takes all before it thaws the first', async () => {
    const { vms, last, first } = cluster();
    const results = await cut(vms, options);
    assert.deepEqual(
      results.map(({ vm, state }) => [vm, state]),
      NAMES.map((vm) => [vm, 'taken']),
    );
    assert.ok(last('prepare') < first('freeze'));
    assert.ok(last('freeze') < first('snapshot'));
    assert.ok(last('snapshot') < first('thaw'));
  });

  void test('`cut` freezes nobody when memory is saved', async () => {
    const { vms, said, last, first } = cluster();
    await cut(vms, { ...options, memory: true });
    assert.equal(said.filter((line) => line.startsWith('freeze')).length, 0);
    assert.ok(last('snapshot') < first('thaw'));
  });

  void test('`cut` lets every guest go on when the snapshot of one fails', async () => {
    const { vms, said } = cluster({
      b: {
        async snapshot() {
          throw new KgetError('no-room', 'no room on node-b');
        },
      },
    });
    const results = await cut(vms, options);
    assert.equal(said.filter((line) => line.startsWith('thaw')).length, 4);
    const failed = results.find(({ vm }) => vm === 'b');
    assert.deepEqual(failed, {
      state: 'failed',
      vm: 'b',
      node: 'node-b',
      failure: { code: 'no-room', message: 'no room on node-b' },
    });
    assert.equal(results.filter(({ state }) => state === 'taken').length, 3);
  });

  void test('`cut` says which guests were not frozen', async () => {
    const { vms } = cluster({ c: { freeze: async () => ({ frozen: false }) } });
    const results = await cut(vms, options);
    const frozen = results.filter((it) => it.state === 'taken' && it.frozen).map(({ vm }) => vm);
    assert.deepEqual(frozen, ['a', 'b', 'd']);
  });

  void test('`cut` lets guests go on when it is interrupted', async () => {
    const interrupt = new AbortController();
    const { vms, said } = cluster({
      d: {
        async snapshot() {
          interrupt.abort();
          return {};
        },
      },
    });
    const results = await cut(vms, { ...options, signal: interrupt.signal });
    assert.equal(said.filter((line) => line.startsWith('thaw')).length, 4);
    assert.ok(results.every((it) => it.state === 'failed' && it.failure.code === 'cancelled'));
  });
});
