import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KgetError } from '../../../src/base/error.ts';
import type { WantedVm } from '../../../src/control/host-calls.ts';
import { migrateVm, type Migration } from '../../../src/job/life/migrate-vm.ts';
import { fakeHost, foundVm, type SomeHandlers } from '../fake-host.ts';

const FIGURES = { totalMs: 900, downtimeMs: 20, movedBytes: 1 };
const wanted: WantedVm = {
  name: 'count.1',
  job: 'count',
  arch: 'x86_64',
  cpus: 1,
  memoryBytes: 2 ** 27,
  network: 'none',
  boot: { kind: 'disk' },
  disk: { file: { digest: '0'.repeat(64), sizeBytes: 1 }, format: 'qcow2', nbdUrl: null },
  task: null,
};

function pair(faults: { source?: SomeHandlers; target?: SomeHandlers } = {}) {
  const said: string[] = [];
  const note =
    <T>(what: string, result: T) =>
    async (): Promise<T> => {
      said.push(what);
      return result;
    };
  const source = fakeHost('here', {
    migrate: note('migrate', FIGURES),
    look: async () => ({ vms: [foundVm({ name: 'count.1', events: ['ready', 'started'] })] }),
    log: async ({ offset }) => {
      const text = 'one two'.slice(offset, offset + 4);
      return { text, nextOffset: offset + text.length, totalBytes: 7 };
    },
    remove: note('remove', {}),
    ...faults.source,
  });
  const target = fakeHost('there', {
    'prepare-migration': note('prepare', { endpoint: { port: 1 } }),
    async 'finish-migration'({ events, log }) {
      said.push(`finish with ${events.join(' ')} and ${log}`);
      return {};
    },
    'abandon-migration': note('abandon', {}),
    ...faults.target,
  });
  const migration: Migration = {
    wanted,
    source,
    target,
    sharedStorage: false,
    limitMs: 1000,
    downtimeLimitMs: 300,
    bytesPerSecond: null,
    signal: new AbortController().signal,
    onMoved: () => said.push('moved'),
  };
  return { migration, said };
}

void suite('migrateVm', () => {
  void test('`migrateVm` takes along what was said, and tells where the machine is before it removes it', async () => {
    const { migration, said } = pair();
    assert.deepEqual(await migrateVm(migration), FIGURES);
    assert.deepEqual(said, [
      'prepare',
      'migrate',
      'finish with ready started and one two',
      'moved',
      'remove',
    ]);
  });

  void test('`migrateVm` leaves nothing on the target when the machine cannot move', async () => {
    const failing = {
      migrate: async () => {
        throw new KgetError('timeout', 'does not converge');
      },
    };
    const { migration, said } = pair({ source: failing });
    await assert.rejects(migrateVm(migration), { code: 'timeout' });
    assert.deepEqual(said, ['prepare', 'abandon']);
  });

  void test('`migrateVm` never abandons a machine that is whole only on the target', async () => {
    const failing = {
      'finish-migration': async () => {
        throw new KgetError('timeout', 'no answer');
      },
    };
    const { migration, said } = pair({ target: failing });
    await assert.rejects(migrateVm(migration), /did not go on there: no answer/);
    assert.deepEqual(said, ['prepare', 'migrate']);
  });

  void test('`migrateVm` refuses to migrate a machine to where it is', async () => {
    const { migration, said } = pair();
    const { source } = migration;
    await assert.rejects(migrateVm({ ...migration, target: source }), { code: 'usage' });
    assert.deepEqual(said, []);
  });
});
