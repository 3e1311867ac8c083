import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  vmDescription,
  type DeployedFile,
  type FoundVm,
  type WantedVm,
} from '../../src/control/host-calls.ts';
import { processesOf } from '../../src/host/processes-of.ts';
import { createAuthority, type Authority } from '../../src/transfer/identity.ts';
import { realClock } from '../control/clocks.ts';
import { buildRecipe } from '../machine-image/build-setup.ts';
import { missingTools } from '../machine-image/guest.ts';
import { MEBIBYTE } from './fixture.ts';
import { startRealAgent, type RealAgent } from './real-agent.ts';

const TINY = readFileSync(join(import.meta.dirname, '../../recipes/tiny/recipe.yaml'), 'utf8');
const LIMIT_MS = 280_000;
/** Under emulation, on a machine that is busy. */
const EVENT_LIMIT_MS = 120_000;
const LOOK_MS = 200;
/** From freeze to thaw. On an idle machine it is a tenth of that: this one may be busy. */
const MAX_PAUSE_MS = 1500;

const VM = 'real.1';

/** Files from one agent in the cache of another. */
async function deploy(
  agents: { front: RealAgent; node: RealAgent; from?: string },
  path: string,
): Promise<DeployedFile> {
  const { front, node } = agents;
  const file = await front.call('serve-file', { path });
  const from = { node: agents.from ?? 'front', host: '127.0.0.1', port: front.port };
  await node.call('fetch', { file, from });
  return file;
}

async function untilFound(
  agent: RealAgent,
  isWanted: (found: FoundVm) => boolean,
): Promise<FoundVm> {
  const until = performance.now() + EVENT_LIMIT_MS;
  for (;;) {
    const [found] = (await agent.call('look', { job: 'real' })).vms;
    if (found !== undefined && isWanted(found)) return found;
    if (performance.now() > until) {
      const { text } = await agent.call('log', { vm: VM, source: 'console', offset: 0 });
      assert.fail(`waited in vain: ${JSON.stringify(found)}\n${text.slice(-2000)}`);
    }
    await realClock.sleep(LOOK_MS);
  }
}

/** What a machine of the tiny image starts from. */
async function wantedOn(
  agents: { front: RealAgent; node: RealAgent },
  directory: string,
): Promise<WantedVm> {
  const image = await buildRecipe({ text: TINY, directory: join(directory, 'build') });
  mkdirSync(join(directory, 'inputs'));
  writeFileSync(join(directory, 'inputs/run.sh'), 'echo "$KGETPLUS_VM $GREETING" > result.txt\n');
  const inputs = join(directory, 'inputs.tar');
  execFileSync('tar', ['-c', '-f', inputs, '-C', join(directory, 'inputs'), 'run.sh']);
  const part = (name: string) => deploy(agents, join(image.directory, name));
  return {
    name: VM,
    job: 'real',
    arch: 'x86_64',
    cpus: 1,
    memoryBytes: 128 * MEBIBYTE,
    network: 'none',
    boot: {
      kind: 'kernel',
      kernel: await part('vmlinuz'),
      initramfs: await part('initramfs'),
      commandLine: image.boot.commandLine,
    },
    disk: { file: await part('disk.qcow2'), format: 'qcow2', nbdUrl: null },
    task: {
      command: 'echo working; sh run.sh',
      environment: { GREETING: "it's me" },
      timeLimitSeconds: 60,
      outputs: ['result.txt'],
      inputs: await deploy(agents, inputs),
      outputRoomBytes: 16 * MEBIBYTE,
    },
  };
}

/** A cut of the machine, and what it says of the root disk. */
async function diskCut(node: RealAgent, cut: string) {
  const { frozen } = await node.call('freeze', { vm: VM, limitMs: 5000, holdMs: 20_000 });
  await node.call('snapshot', { vm: VM, memory: false, full: false });
  const { pausedMs } = await node.call('thaw', { vm: VM });
  const { files, disks } = await node.call('finish-snapshot', { vm: VM, cut });
  const [disk] = disks;
  assert.ok(disk !== undefined);
  return { frozen, pausedMs, files, disk };
}

/** A machine is restored with its memory, and its guest minds the power button. */
async function goesOn(
  agents: { front: RealAgent; node: RealAgent },
  { files, events }: { files: readonly { name: string; path: string }[]; events: string[] },
): Promise<void> {
  const path = (file: string): string =>
    files.find(({ name }) => name === `${VM}-${file}`)?.path ?? assert.fail(`no ${file}`);
  const description = vmDescription.parse(JSON.parse(readFileSync(path('vm.json'), 'utf8')));
  const { boot, task } = description.wanted;
  const from = { node: 'node', host: '127.0.0.1', port: agents.front.port };
  const parts = boot.kind === 'kernel' ? [boot.kernel, boot.initramfs, task?.inputs] : [];
  for (const file of parts) if (file) await agents.node.call('fetch', { file, from });
  const root = await deploy({ ...agents, from: 'node' }, path('root.raw'));
  const kgout = await deploy({ ...agents, from: 'node' }, path('kgout.raw'));
  const memory = await deploy({ ...agents, from: 'node' }, path('memory'));
  const request = { description, disks: { root, kgout }, memory };
  assert.deepEqual(await agents.node.call('restore', request), { state: 'paused' });
  await agents.node.call('resume', { vm: VM });
  const running = await untilFound(agents.node, ({ state }) => state === 'running');
  assert.deepEqual(running.events, events);
  const result = execFileSync('tar', ['-xOf', running.outputsPath ?? '', 'result.txt']);
  assert.match(result.toString('utf8'), /it's me/);
  const limitMs = 30_000;
  assert.deepEqual(await agents.node.call('shutdown', { vm: VM, limitMs }), { how: 'clean' });
  assert.deepEqual(await agents.node.call('clean', { job: 'real' }), { removed: [VM] });
}

async function lifeOf(
  directory: string,
  { authority, signal }: { authority: Authority; signal: AbortSignal },
): Promise<void> {
  const place = join(directory, 'node');
  const start = (node: string, hypervisor: 'qemu' | 'none') =>
    startRealAgent({ node, directory: join(directory, node), authority, hypervisor, signal });
  const front = await start('front', 'none');
  const node = await start('node', 'qemu');
  const wanted = await wantedOn({ front, node }, directory);
  assert.equal(await front.leave(), 0);
  await node.call('create', wanted);
  await node.call('start', { vm: VM });
  const done = await untilFound(node, ({ events }) => events.includes('done'));
  assert.deepEqual(done.events.slice(0, 3), ['ready', 'started', 'exit 0']);
  const { text } = await node.call('log', { vm: VM, source: 'command', offset: 0 });
  assert.equal(text, 'working\n');
  const result = execFileSync('tar', ['-xOf', done.outputsPath ?? '', 'result.txt']);
  assert.equal(result.toString('utf8'), `${VM} it's me\n`);

  const first = await diskCut(node, 'c1');
  assert.ok(first.frozen);
  assert.ok(first.pausedMs < MAX_PAUSE_MS, `paused for ${first.pausedMs} ms`);
  assert.equal(first.disk.mode, 'full');
  execFileSync('e2fsck', ['-fn', first.files[0]?.path ?? ''], { stdio: 'pipe' });
  await node.call('drop-cut', { cut: 'c1' });
  const second = await diskCut(node, 'c2');
  assert.equal(second.disk.mode, 'incremental');
  assert.ok(second.disk.copiedBytes < first.disk.copiedBytes);
  await node.call('snapshot', { vm: VM, memory: true, full: false });
  await node.call('thaw', { vm: VM });
  const { files } = await node.call('finish-snapshot', { vm: VM, cut: 'c3' });
  const elsewhere = await start('other', 'qemu');
  await goesOn({ front: node, node: elsewhere }, { files, events: done.events });
  assert.equal(await elsewhere.leave(), 0);
  assert.equal(await node.leave(), 0);

  const next = await start('node', 'qemu');
  const again = await untilFound(next, ({ state }) => state === 'running');
  assert.deepEqual(again.events, done.events);
  assert.deepEqual(await next.call('shutdown', { vm: VM, limitMs: 30_000 }), { how: 'clean' });
  assert.equal((await untilFound(next, ({ exit }) => exit !== null)).exit?.reason, 'guest');
  await next.call('start', { vm: VM });
  const [pid] = processesOf(join(place, 'vms', VM));
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGKILL');
  const killed = await untilFound(next, ({ exit }) => exit !== null);
  assert.equal(killed.exit?.reason, 'killed');
  assert.deepEqual(await next.call('clean', { job: 'real' }), { removed: [VM] });
  assert.deepEqual(readdirSync(join(place, 'vms')), []);
  for (const cut of ['c2', 'c3']) await next.call('drop-cut', { cut });
  assert.deepEqual(readdirSync(join(place, 'cuts')), []);
  assert.equal(await next.leave(), 0);
}

void suite('host agent with QEMU', { skip: missingTools(), timeout: LIMIT_MS }, () => {
  void test('a job runs from its image to its outputs, and nothing of it is left', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kgh-'));
    const over = new AbortController();
    try {
      const authority = await createAuthority(new Date());
      await lifeOf(directory, { authority, signal: over.signal });
      assert.deepEqual(processesOf(directory), []);
    } finally {
      over.abort();
      for (const pid of processesOf(directory)) process.kill(pid, 'SIGKILL');
      if (existsSync(directory)) rmSync(directory, { recursive: true, force: true });
    }
  });
});
