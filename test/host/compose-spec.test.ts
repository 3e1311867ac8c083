import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { composeSpec, neededFiles } from '../../src/host/compose-spec.ts';
import { machinePaths } from '../../src/host/node-place.ts';
import { snapshotDisks, vmSpec } from '../../src/hypervisor/vm-spec.ts';
import { wantedVm } from './fixture.ts';

const PLACE = {
  directory: '/node',
  shared: null,
  hypervisor: '/node/hypervisor',
  vms: '/node/vms',
  cuts: '/node/cuts',
  reservations: '/node/reservations',
};
const fileOf = (digit: string) => ({ digest: digit.repeat(64), sizeBytes: 512 });
const WANTED = wantedVm('job.3', {
  image: fileOf('a'),
  boot: { kind: 'kernel', kernel: fileOf('b'), initramfs: fileOf('c'), commandLine: 'quiet' },
});
const pathOf = (digest: string) => `/node/images/${digest.slice(0, 1)}`;
const compose = (wanted: typeof WANTED) =>
  composeSpec({ wanted, paths: machinePaths(PLACE, wanted.name), pathOf });

void suite('composing machines', () => {
  void test('`composeSpec` gives a machine that the schema takes', () => {
    assert.deepEqual(vmSpec.parse(compose(WANTED)), compose(WANTED));
  });

  void test('`composeSpec` gives a task its disks, and snapshots are of the root disk alone', () => {
    assert.ok(WANTED.task !== null);
    const spec = compose({ ...WANTED, task: { ...WANTED.task, inputs: fileOf('d') } });
    assert.deepEqual(spec.disks, [
      {
        name: 'root',
        access: 'copy-on-write',
        base: { kind: 'file', path: '/node/images/a', format: 'raw' },
      },
      { name: 'kgjob', access: 'read-only', path: '/node/vms/job.3/job.tar', format: 'raw' },
      {
        name: 'kgout',
        access: 'read-write',
        path: '/node/vms/job.3/job.3-outputs.tar',
        format: 'raw',
      },
      { name: 'kginp', access: 'read-only', path: '/node/images/d', format: 'raw' },
    ]);
    assert.deepEqual(snapshotDisks(spec), ['root']);
  });

  void test('`composeSpec` gives a machine without a task its root disk alone', () => {
    const { disks, boot } = compose({ ...WANTED, task: null });
    assert.equal(disks.length, 1);
    assert.deepEqual(boot, {
      kind: 'kernel',
      kernel: '/node/images/b',
      initramfs: '/node/images/c',
      commandLine: 'quiet',
    });
  });

  void test('`composeSpec` boots over the network from where the image is to be had', () => {
    const disk = { ...WANTED.disk, nbdUrl: 'nbd://10.0.0.1:10809/disk' };
    assert.deepEqual(compose({ ...WANTED, disk }).disks[0], {
      name: 'root',
      access: 'copy-on-write',
      base: { kind: 'nbd', url: 'nbd://10.0.0.1:10809/disk', format: 'raw' },
    });
  });

  void test('`neededFiles` names what must be here, which an image over the network need not', () => {
    const digests = (wanted: typeof WANTED) =>
      neededFiles(wanted)
        .map(({ digest }) => digest.slice(0, 1))
        .join('');
    assert.ok(WANTED.task !== null);
    assert.equal(digests(WANTED), 'bca');
    assert.equal(digests({ ...WANTED, task: { ...WANTED.task, inputs: fileOf('d') } }), 'bcad');
    assert.equal(digests({ ...WANTED, disk: { ...WANTED.disk, nbdUrl: 'nbd://x/y' } }), 'bc');
  });
});
