import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/base/system-clock.ts';
import type { Hypervisor, MigrationOptions } from '../../src/hypervisor/hypervisor.ts';
import { libvirtHypervisor } from '../../src/hypervisor/libvirt/driver.ts';
import type { VmSpec } from '../../src/hypervisor/vm-spec.ts';
import { refuses } from './contract/refusals.ts';
import { foreignDomain } from './foreign-domain.ts';
import { startLibvirtdPair, whyNoLibvirtd } from './libvirtd.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const MEBIBYTE = 2 ** 20;
const DISK_BYTES = 16 * MEBIBYTE;
const LIMIT_MS = 60_000;
const BACKEND = '/machine/peripheral/virtio-disk0/virtio-backend';
const MIGRATION: MigrationOptions = {
  sharedStorage: false,
  limitMs: LIMIT_MS,
  downtimeLimitMs: 300,
  bytesPerSecond: null,
  signal: new AbortController().signal,
};

const request = (directory: string, memory = false) => ({
  directory,
  memory,
  leavePaused: false,
  full: false,
});

/** What is libvirt's own, with machines that have nothing to boot: they need no time for it. */
void suite('libvirt', { skip: await whyNoLibvirtd(), timeout: 300_000 }, () => {
  let root = '';
  let daemons: Awaited<ReturnType<typeof startLibvirtdPair>> | undefined;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'kgetplus-libvirt-'));
    writeFileSync(join(root, 'base.raw'), randomBytes(DISK_BYTES));
    daemons = await startLibvirtdPair(join(root, 'daemons'));
  });
  after(async () => {
    await daemons?.close();
    await rm(root, { recursive: true, force: true });
  });

  /** The driver of a daemon, by default with a directory for machines of its own. */
  function driver(index: 0 | 1, directory = join(root, `vms${index}`)): Hypervisor {
    const daemon = daemons?.pair[index];
    assert.ok(daemon !== undefined);
    mkdirSync(directory, { recursive: true });
    const { connection, peerConnection } = daemon;
    return libvirtHypervisor({
      directory,
      clock: systemClock,
      connection,
      peerConnection: () => peerConnection,
    });
  }
  async function virsh(index: 0 | 1, ...words: string[]): Promise<string> {
    return (await run('virsh', ['-c', daemons?.pair[index].connection ?? '', ...words])).stdout;
  }
  function spec(name: string, base = join(root, 'base.raw')): VmSpec {
    return {
      name,
      arch: 'x86_64',
      cpus: 1,
      memoryBytes: 64 * MEBIBYTE,
      boot: { kind: 'disk' },
      disks: [
        {
          name: 'root',
          access: 'copy-on-write',
          base: { kind: 'file', path: base, format: 'raw' },
        },
      ],
      channels: [],
      consolePath: null,
      network: 'none',
    };
  }
  /** Writes to the disk of a machine as its guest would. */
  async function write(index: 0 | 1, name: string, value: number, megabyte: number): Promise<void> {
    const command = `qemu-io -d ${BACKEND} "write -P ${value} ${megabyte}M 1M"`;
    await virsh(index, 'qemu-monitor-command', name, '--hmp', command);
  }
  async function running(hypervisor: Hypervisor, name: string): Promise<void> {
    await hypervisor.create(spec(name));
    await hypervisor.start(name);
  }
  /** The whole disk of a machine as it is now. */
  async function contents(hypervisor: Hypervisor, name: string): Promise<Buffer> {
    const exported = await hypervisor.exportDisk(name, 'root');
    const path = join(root, 'contents.raw');
    const url = `nbd+unix:///${exported.exportName}?socket=${exported.socketPath}`;
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', url, path]);
    await exported.close();
    return readFileSync(path);
  }
  /** What the base disk becomes by writing. */
  function written(...writes: readonly (readonly [value: number, megabyte: number])[]): Buffer {
    const disk = readFileSync(join(root, 'base.raw'));
    for (const [value, megabyte] of writes) {
      disk.fill(value, megabyte * MEBIBYTE, (megabyte + 1) * MEBIBYTE);
    }
    return disk;
  }

  void test('`exportDisk` gives the disk as it was at the call, one at a time', async () => {
    const here = driver(0);
    await running(here, 'vm');
    await write(0, 'vm', 7, 1);
    const exported = await here.exportDisk('vm', 'root');
    await write(0, 'vm', 8, 2);
    await refuses('usage', here.exportDisk('vm', 'root'));
    await refuses('usage', here.beginSnapshot('vm', request(join(root, 'busy'))));
    const url = `nbd+unix:///root?socket=${exported.socketPath}`;
    const path = join(root, 'exported.raw');
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', url, path]);
    await exported.close();
    assert.equal(exported.sizeBytes, DISK_BYTES);
    assert.ok(readFileSync(path).equals(written([7, 1])));
    assert.ok((await contents(here, 'vm')).equals(written([7, 1], [8, 2])));
    // What a process that is gone has left open does not keep others from it.
    await here.exportDisk('vm', 'root');
    assert.ok((await contents(driver(0), 'vm')).equals(written([7, 1], [8, 2])));
    await here.remove('vm');
  });

  void test('`beginSnapshot` copies everything when the machine was killed', async () => {
    const here = driver(0);
    const directory = join(root, 'killed');
    await running(here, 'vm');
    await (
      await here.beginSnapshot('vm', request(directory))
    ).finished;
    await write(0, 'vm', 7, 1);
    const second = await (await here.beginSnapshot('vm', request(directory))).finished;
    assert.equal(second.disks[0]?.mode, 'incremental');
    assert.equal(second.disks[0].copiedBytes, MEBIBYTE);
    const [pid = ''] = (await run('pgrep', ['-f', 'guest=vm,.*/vms0/'])).stdout.split('\n');
    process.kill(Number(pid), 'SIGKILL');
    await here.waitForExit('vm', new AbortController().signal);
    await here.start('vm');
    await write(0, 'vm', 8, 2);
    assert.equal(await here.dirtyMap('vm', 'root'), null);
    const third = await (await here.beginSnapshot('vm', request(directory))).finished;
    assert.equal(third.disks[0]?.mode, 'full');
    assert.match(third.disks[0].reason ?? '', /\w/);
    assert.ok(readFileSync(join(directory, 'root.raw')).equals(written([7, 1], [8, 2])));
    const fourth = await (await here.beginSnapshot('vm', request(directory))).finished;
    assert.equal(fourth.disks[0]?.mode, 'incremental', fourth.disks[0]?.reason ?? '');
    await here.remove('vm');
  });

  void test('`beginSnapshot` knows what is dirty when memory was saved before', async () => {
    const here = driver(0);
    const directory = join(root, 'with-memory');
    await running(here, 'vm');
    const modes: string[] = [];
    const writes: [number, number][] = [];
    for (const memory of [true, false, true, true, false]) {
      const { disks, memoryBytes } = await (
        await here.beginSnapshot('vm', request(directory, memory))
      ).finished;
      modes.push(disks[0]?.mode ?? '');
      assert.equal(memoryBytes > 0, memory);
      assert.equal(existsSync(join(directory, 'memory')), memory);
      assert.ok(readFileSync(join(directory, 'root.raw')).equals(written(...writes)));
      writes.push([modes.length, modes.length]);
      await write(0, 'vm', modes.length, modes.length);
    }
    assert.deepEqual(modes, ['full', ...Array.from({ length: 4 }, () => 'incremental')]);
    const held = { ...request(directory, true), leavePaused: true };
    await (
      await here.beginSnapshot('vm', held)
    ).finished;
    // QEMU would crash some time later.
    await refuses('usage', here.beginSnapshot('vm', request(directory)));
    await refuses('usage', here.exportDisk('vm', 'root'));
    await here.resume('vm');
    await (
      await here.beginSnapshot('vm', request(directory))
    ).finished;
    assert.ok(readFileSync(join(directory, 'root.raw')).equals(written(...writes)));
    await here.remove('vm');
  });

  void test('a domain of others is found and snapshotted, and not removed', async () => {
    const here = driver(0);
    const disk = join(root, 'foreign.qcow2');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '8M']);
    const file = join(root, 'foreign.xml');
    writeFileSync(file, foreignDomain(disk));
    await virsh(0, 'define', file);
    assert.equal((await here.look('foreign')).state, 'defined');
    await here.start('foreign');
    await write(0, 'foreign', 7, 1);
    const directory = join(root, 'foreign-snapshot');
    const { disks } = await (await here.beginSnapshot('foreign', request(directory))).finished;
    assert.deepEqual(
      disks.map((it) => it.disk),
      ['vda'],
    );
    assert.equal(readFileSync(join(directory, 'vda.raw'))[MEBIBYTE], 7);
    await refuses('usage', here.remove('foreign'));
    await here.stop('foreign');
    await virsh(0, 'undefine', 'foreign', '--checkpoints-metadata');
    assert.ok(existsSync(disk));
  });

  void test('`create` makes a machine that reads its disk over NBD', async () => {
    const here = driver(0);
    const socket = join(root, 'base.nbd');
    const words = ['-r', '-t', '-e', '8', '-f', 'raw', '-x', 'base', '-k', socket];
    const server = spawn('qemu-nbd', [...words, join(root, 'base.raw')], { stdio: 'ignore' });
    try {
      await until(() => existsSync(socket) || undefined, LIMIT_MS);
      const url = `nbd+unix:///base?socket=${socket}`;
      const disks: VmSpec['disks'] = [
        { name: 'root', access: 'copy-on-write', base: { kind: 'nbd', url, format: 'raw' } },
      ];
      await here.create({ ...spec('vm'), disks });
      await here.start('vm');
      assert.ok((await contents(here, 'vm')).equals(written()));
      await here.remove('vm');
    } finally {
      server.kill();
    }
  });

  void test('`migrate` leaves the machine running when the target is not there', async () => {
    const here = driver(0);
    await running(here, 'vm');
    const there = driver(1);
    const endpoint = await there.prepareMigration(spec('vm'), {
      address: '127.0.0.1',
      sharedStorage: false,
    });
    const text = String(endpoint['libvirt']).replace(/qemu\+tcp:[^"]*/, 'qemu+tcp://127.0.0.1:1/');
    await refuses('unreachable', here.migrate('vm', { libvirt: text }, MIGRATION));
    await refuses('usage', here.migrate('vm', { socket: '/tmp/x' }, MIGRATION));
    assert.equal((await here.look('vm')).state, 'running');
    await there.abandonMigration('vm');
    await here.remove('vm');
  });

  void test('`migrate` leaves the disks to the target when storage is shared', async () => {
    const shared = join(root, 'shared');
    const [here, there] = [driver(0, shared), driver(1, shared)];
    await running(here, 'vm');
    await write(0, 'vm', 7, 1);
    const options = { address: '127.0.0.1', sharedStorage: true };
    await there.prepareMigration(spec('vm'), options);
    await there.abandonMigration('vm');
    const endpoint = await there.prepareMigration(spec('vm'), options);
    await here.migrate('vm', endpoint, { ...MIGRATION, sharedStorage: true });
    await there.finishMigration('vm');
    await here.remove('vm');
    assert.ok((await contents(there, 'vm')).equals(written([7, 1])));
    await there.remove('vm');
    assert.ok(!existsSync(join(shared, 'vm')));
  });

  void test('`migrate` takes the whole disk when the machine was restored', async () => {
    const [here, there] = [driver(0), driver(1)];
    const directory = join(root, 'restored');
    await running(here, 'vm');
    await write(0, 'vm', 7, 1);
    await (
      await here.beginSnapshot('vm', request(directory, true))
    ).finished;
    await here.remove('vm');
    const memory = {
      state: join(directory, 'memory'),
      description: join(directory, 'memory.json'),
    };
    const disks = { root: join(directory, 'root.raw') };
    // Another name, as for a second copy of it.
    await here.restore(spec('copy'), { disks, memory });
    await here.resume('copy');
    await write(0, 'copy', 8, 2);
    const options = { address: '127.0.0.1', sharedStorage: false };
    const endpoint = await there.prepareMigration(spec('copy'), options);
    await here.migrate('copy', endpoint, MIGRATION);
    await there.finishMigration('copy');
    assert.ok((await contents(there, 'copy')).equals(written([7, 1], [8, 2])));
    await here.remove('copy');
    await there.remove('copy');
  });
});
