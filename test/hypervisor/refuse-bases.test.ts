import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { planBackup } from '../../src/hypervisor/qemu/backup.ts';
import type { Machine } from '../../src/hypervisor/qemu/machine.ts';
import { refuseBases } from '../../src/hypervisor/refuse-bases.ts';

const bases = new Map([
  ['root', '/cuts/c1/root.raw'],
  ['data', '/images/data.qcow2'],
]);

void suite('snapshots of restored machines', () => {
  void test('`refuseBases` refuses a directory when a disk starts from a file that would be written', () => {
    assert.throws(() => refuseBases('vm', bases, '/cuts/c1'), {
      code: 'usage',
      message: /"vm" in \/cuts\/c1: its disk "root" starts from \/cuts\/c1\/root.raw/,
    });
    refuseBases('vm', bases, '/cuts/c2');
    refuseBases('vm', bases, '/images');
  });

  void test('`planBackup` asks QEMU nothing when the files are those of a restored machine', async () => {
    const record: Machine['record'] = {
      bases: { root: { path: '/cuts/c1/root.raw', format: 'raw' } },
      machineType: 'q35',
      sharedDirectory: null,
      spec: {
        name: 'vm',
        arch: 'x86_64',
        cpus: 1,
        memoryBytes: 2 ** 27,
        boot: { kind: 'disk' },
        disks: [
          {
            name: 'root',
            access: 'copy-on-write',
            base: { kind: 'file', path: '/images/root.raw', format: 'raw' },
          },
        ],
        channels: [],
        consolePath: null,
        network: 'none',
      },
    };
    const request = { directory: '/cuts/c1', full: true, isLatest: false };
    // There is no QEMU that it could ask.
    const qmp = {} as Parameters<typeof planBackup>[0];
    await assert.rejects(planBackup(qmp, { record }, request), { code: 'usage' });
  });
});
