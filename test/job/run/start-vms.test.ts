import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../../src/base/error.ts';
import type { FoundVm } from '../../../src/control/host-calls.ts';
import { startVms, type StartOptions } from '../../../src/job/run/start-vms.ts';
import { idleClock } from '../../coordinator/idle-clock.ts';
import { fakeHost, foundVm } from '../fake-host.ts';
import { submitted } from '../record/sample.ts';

const { job, image, inputs, spec } = submitted();
const VM = `${job}.1`;

/** Starts one machine; what its host was asked for, and what was told, as text. */
async function started(there: readonly FoundVm[], options: Partial<StartOptions> = {}) {
  const said: string[] = [];
  const host = fakeHost('kn01', {
    look: async () => ({ vms: [...there] }),
    async remove({ vm }) {
      said.push(`remove ${vm}`);
      return {};
    },
    async create({ disk }) {
      said.push(`create from ${disk.nbdUrl ?? 'the file'}`);
      return {};
    },
    async start() {
      said.push('start');
      return {};
    },
  });
  const signal = new AbortController().signal;
  await startVms({
    parts: { job, image, inputs, spec },
    placements: [{ vm: VM, node: 'kn01' }],
    hostOf: () => host,
    hasAgentAgain: async () => false,
    booting: 1,
    clock: idleClock(),
    signal,
    interrupt: signal,
    onCreating: () => {},
    onStarted: () => {},
    onFailed: (_, { message }) => said.push(`failed: ${message}`),
    ...options,
  });
  return said;
}

async function nbdUrlOf(): Promise<string> {
  return 'nbd://10.0.0.1:1/new';
}

async function nowhere(): Promise<never> {
  throw new KgetError('unreachable', 'no route');
}

void suite('startVms: where disks are read', () => {
  void test('`startVms` makes a machine from the URL that it is given', async () => {
    assert.deepEqual(await started([], { nbdUrlOf }), [
      'create from nbd://10.0.0.1:1/new',
      'start',
    ]);
    assert.deepEqual(await started([], { nbdUrlOf: async () => null }), [
      'create from the file',
      'start',
    ]);
    assert.deepEqual(await started([]), ['create from the file', 'start']);
  });

  void test('`startVms` makes one anew that was never started: its URL is an old one', async () => {
    const defined = foundVm({ name: VM, state: 'defined' });
    assert.deepEqual(await started([defined], { nbdUrlOf }), [
      `remove ${VM}`,
      'create from nbd://10.0.0.1:1/new',
      'start',
    ]);
    assert.deepEqual(await started([defined]), ['start']);
    const broken = foundVm({ name: VM, state: 'stopped' });
    assert.equal((await started([broken], { nbdUrlOf }))[0], `remove ${VM}`);
    const ended = foundVm({ name: VM, state: 'stopped', events: ['ready', 'started'] });
    assert.deepEqual(await started([ended], { nbdUrlOf }), []);
    const running = foundVm({ name: VM });
    assert.deepEqual(await started([running], { nbdUrlOf }), []);
  });

  void test('`startVms` tells why a disk is nowhere to be had', async () => {
    assert.deepEqual(await started([], { nbdUrlOf: nowhere }), ['failed: no route']);
  });
});
