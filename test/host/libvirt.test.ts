import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { processesOf } from '../../src/host/processes-of.ts';
import { createAuthority, type Authority } from '../../src/transfer/identity.ts';
import { foreignDomain } from '../hypervisor/foreign-domain.ts';
import { startLibvirtd, whyNoLibvirtd, type TestLibvirtd } from '../hypervisor/libvirtd.ts';
import { missingTools } from '../machine-image/guest.ts';
import { startRealAgent, type RealAgent } from './real-agent.ts';
import { assertSmall, diskCut, goesOn } from './real-cuts.ts';
import { untilFound, VM, wantedOn } from './real-machine.ts';

const LIMIT_MS = 280_000;
/** From freeze to thaw, under emulation on a machine that is busy. */
const MAX_PAUSE_MS = 3000;
const MEBIBYTE = 2 ** 20;
const MAIN = join(import.meta.dirname, 'libvirt-main.ts');

const skip = missingTools() || (await whyNoLibvirtd());

void suite('host agent with libvirt', { skip, timeout: LIMIT_MS }, () => {
  let root = '';
  let daemon: TestLibvirtd;
  let authority: Authority;
  const over = new AbortController();
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'kgl-'));
    daemon = await startLibvirtd(join(root, 'daemon'), 'kgetplus-host');
    authority = await createAuthority(new Date());
  });
  after(async () => {
    over.abort();
    await daemon?.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function start(node: string, hypervisor: 'libvirt' | 'none'): Promise<RealAgent> {
    const program = [MAIN, daemon.connection];
    const common = { node, directory: join(root, node), authority, hypervisor };
    return startRealAgent({ ...common, program, signal: over.signal });
  }
  function virsh(...words: string[]): string {
    return run('virsh', '-c', daemon.connection, ...words);
  }
  function domains(): string[] {
    return virsh('list', '--all', '--name').split('\n').filter(Boolean);
  }

  void test('a job runs from its image to its outputs, and nothing of it is left', async () => {
    const front = await start('front', 'none');
    const node = await start('node', 'libvirt');
    assert.match(node.facts.hypervisor?.version ?? '', /\d/);
    const wanted = await wantedOn({ front, node }, root);
    assert.equal(await front.leave(), 0);
    await node.call('create', wanted);
    await node.call('start', { vm: VM });
    const done = await untilFound(node, ({ events }) => events.includes('done'));
    assert.deepEqual(done.events.slice(0, 3), ['ready', 'started', 'exit 0']);
    const { text } = await node.call('log', { vm: VM, source: 'command', offset: 0 });
    assert.equal(text, 'working\n');
    const result = run('tar', '-xOf', done.outputsPath ?? '', 'result.txt');
    assert.equal(result, `${VM} it's me\n`);

    const first = await diskCut(node, 'c1');
    assert.ok(first.frozen);
    assert.ok(first.pausedMs < MAX_PAUSE_MS, `paused for ${first.pausedMs} ms`);
    assert.equal(first.disk.mode, 'full');
    run('e2fsck', '-fn', first.files[0]?.path ?? '');
    await node.call('drop-cut', { cut: 'c1' });
    const second = await diskCut(node, 'c2');
    assert.equal(second.disk.mode, 'incremental', second.disk.reason ?? '');
    assertSmall(second.disk);
    run('e2fsck', '-fn', second.files[0]?.path ?? '');

    await node.call('snapshot', { vm: VM, memory: true, full: false });
    await node.call('thaw', { vm: VM });
    const { files } = await node.call('finish-snapshot', { vm: VM, cut: 'c3' });
    assert.equal(await node.leave(), 0);
    // The machine and its snapshots are found by another process, too.
    const next = await start('node', 'libvirt');
    assert.equal((await untilFound(next, () => true)).state, 'running');
    await next.call('remove', { vm: VM });
    const store = await start('front', 'none');
    await goesOn({ front: store, node: next }, { files, events: done.events });
    for (const cut of ['c2', 'c3']) await next.call('drop-cut', { cut });
    const place = join(root, 'node');
    assert.deepEqual(domains(), []);
    assert.deepEqual(processesOf(join(place, 'vms')), []);
    for (const part of ['vms', 'cuts', 'hypervisor/libvirt']) {
      assert.deepEqual(readdirSync(join(place, part)), [], part);
    }
    for (const agent of [store, next]) assert.equal(await agent.leave(), 0);
  });

  void test('a machine of others is found and gathered, and stays as it is', async () => {
    const disk = join(root, 'foreign.qcow2');
    run('qemu-img', 'create', '-q', '-f', 'qcow2', disk, '8M');
    run('qemu-io', '-c', 'write -P 7 1M 1M', disk);
    writeFileSync(join(root, 'foreign.xml'), foreignDomain(disk));
    virsh('define', join(root, 'foreign.xml'));
    virsh('start', 'foreign');
    const node = await start('node', 'libvirt');
    const vms = (await node.call('look', { job: null })).vms.filter(({ name }) => name !== VM);
    assert.deepEqual(
      vms.map(({ name, job, state, outputsPath }) => ({ name, job, state, outputsPath })),
      [{ name: 'foreign', job: null, state: 'running', outputsPath: null }],
    );
    const vm = 'foreign';
    assert.deepEqual(await node.call('describe', { vm }), { wanted: null });
    const modes: string[] = [];
    for (const cut of ['c1', 'c2']) {
      await node.call('prepare-snapshot', { vm, full: false });
      const terms = { limitMs: 5000, holdMs: 20_000 };
      assert.deepEqual(await node.call('freeze', { vm, ...terms }), { frozen: false });
      await node.call('snapshot', { vm, memory: false, full: false });
      await node.call('thaw', { vm });
      const { files, disks } = await node.call('finish-snapshot', { vm, cut });
      assert.deepEqual(
        files.map(({ name }) => name),
        ['foreign-vda.raw'],
      );
      const bytes = readFileSync(files[0]?.path ?? '');
      assert.equal(bytes.length, 8 * MEBIBYTE);
      assert.deepEqual([bytes[MEBIBYTE - 1], bytes[MEBIBYTE]], [0, 7]);
      modes.push(disks[0]?.mode ?? '');
      await node.call('drop-cut', { cut });
    }
    assert.deepEqual(modes, ['full', 'incremental']);
    await assert.rejects(node.call('remove', { vm }), { code: 'usage' });
    assert.equal(virsh('domstate', vm).trim(), 'running');
    assert.equal(await node.leave(), 0);
    virsh('destroy', vm);
    virsh('undefine', vm, '--checkpoints-metadata');
  });
});

function run(program: string, ...words: string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', stdio: 'pipe' });
}
