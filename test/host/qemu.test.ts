import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { neededFiles } from '../../src/host/compose-spec.ts';
import { processesOf } from '../../src/host/processes-of.ts';
import { createAuthority } from '../../src/transfer/identity.ts';
import { missingTools } from '../machine-image/guest.ts';
import { startRealAgent, type RealAgent } from './real-agent.ts';
import { assertSmall, diskCut, goesOn } from './real-cuts.ts';
import { untilFound, VM, wantedOn } from './real-machine.ts';

const LIMIT_MS = 280_000;
/** From freeze to thaw, under emulation on a machine that is busy. */
const MAX_PAUSE_MS = 1500;

type StartAgent = (node: string, hypervisor: 'qemu' | 'none') => Promise<RealAgent>;

/** No process is left, whatever happens. */
async function inScratch(
  work: (directory: string, start: StartAgent) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kgh-'));
  const over = new AbortController();
  try {
    const authority = await createAuthority(new Date());
    await work(directory, (node, hypervisor) => {
      const place = join(directory, node);
      return startRealAgent({ node, directory: place, authority, hypervisor, signal: over.signal });
    });
    assert.deepEqual(processesOf(directory), []);
  } finally {
    over.abort();
    for (const pid of processesOf(directory)) process.kill(pid, 'SIGKILL');
    if (existsSync(directory)) rmSync(directory, { recursive: true, force: true });
  }
}

async function lifeOf(directory: string, start: StartAgent): Promise<void> {
  const place = join(directory, 'node');
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
  assertSmall(second.disk);
  await node.call('snapshot', { vm: VM, memory: true, full: false });
  await node.call('thaw', { vm: VM });
  const { files } = await node.call('finish-snapshot', { vm: VM, cut: 'c3' });
  const elsewhere = await start('other', 'qemu');
  await goesOn({ front: node, node: elsewhere, from: 'node' }, { files, events: done.events });
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

/** Two nodes, of which the first has the machine first. */
async function moves(directory: string, start: StartAgent): Promise<void> {
  const front = await start('front', 'none');
  const one = await start('one', 'qemu');
  const other = await start('other', 'qemu');
  const { task, ...rest } = await wantedOn({ front, node: one }, directory);
  assert.ok(task !== null);
  const command = 'for i in $(seq 40); do echo $i; sleep 0.25; done; sh run.sh';
  const wanted = { ...rest, task: { ...task, command } };
  const from = { node: 'front', host: '127.0.0.1', port: front.port };
  for (const file of neededFiles(wanted)) await other.call('fetch', { file, from });
  await one.call('create', wanted);
  await one.call('start', { vm: VM });
  await untilFound(one, ({ logBytes }) => logBytes > 4);

  const move = async (source: RealAgent, to: RealAgent) => {
    const address = '127.0.0.1';
    const request = { wanted, address, sharedStorage: false, source: source.node };
    const { endpoint } = await to.call('prepare-migration', request);
    const terms = { limitMs: 60_000, downtimeLimitMs: 300, bytesPerSecond: null };
    const over = { vm: VM, target: to.node, endpoint, sharedStorage: false };
    await source.call('migrate', { ...over, ...terms });
    const [found] = (await source.call('look', { job: 'real' })).vms;
    const { text: log } = await source.call('log', { vm: VM, source: 'command', offset: 0 });
    await to.call('finish-migration', { vm: VM, events: found?.events ?? [], log });
    await source.call('remove', { vm: VM });
    return found;
  };
  const before = await move(one, other);
  assert.deepEqual(before?.events, ['ready', 'started']);
  await untilFound(other, ({ events }) => events.includes('done'));
  const { text } = await other.call('log', { vm: VM, source: 'command', offset: 0 });
  const counted = Array.from({ length: 40 }, (_, at) => `${at + 1}\n`).join('');
  assert.equal(text, counted);
  // What is on the disk of outputs by now comes along.
  await move(other, one);
  const back = await untilFound(one, ({ state }) => state === 'running');
  const result = execFileSync('tar', ['-xOf', back.outputsPath ?? '', 'result.txt']);
  assert.equal(result.toString('utf8'), `${VM} it's me\n`);
  for (const agent of [one, other]) await agent.call('clean', { job: 'real' });
  for (const agent of [one, other, front]) assert.equal(await agent.leave(), 0);
}

void suite('host agent with QEMU', { skip: missingTools(), timeout: LIMIT_MS }, () => {
  for (const [name, work] of [
    ['a job runs from its image to its outputs, and nothing of it is left', lifeOf],
    ['a machine moves while its job runs, and back when it has run', moves],
  ] as const) {
    void test(name, async () => inScratch(work));
  }
});
