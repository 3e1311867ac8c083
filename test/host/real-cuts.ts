import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { vmDescription } from '../../src/control/host-calls.ts';
import { MEBIBYTE } from './fixture.ts';
import type { RealAgent } from './real-agent.ts';
import { deploy, untilFound, VM, type Pair } from './real-machine.ts';

/** Of the tiny guest's 256 MiB; its kernel may just have zeroed 16 MiB of tables for inodes. */
const MAX_DIRTY_BYTES = 64 * MEBIBYTE;

/** Of a disk that was copied as far as it is dirty, and no more, by what little a guest does. */
export function assertSmall(disk: {
  readonly dirtyBytes: number | null;
  readonly copiedBytes: number;
}): void {
  assert.equal(disk.copiedBytes, disk.dirtyBytes);
  assert.ok(disk.copiedBytes < MAX_DIRTY_BYTES, `${disk.copiedBytes} B are dirty`);
}

/** A cut of the machine, and what it says of the root disk. */
export async function diskCut(node: RealAgent, cut: string) {
  await node.call('prepare-snapshot', { vm: VM, full: false });
  const { frozen } = await node.call('freeze', { vm: VM, limitMs: 5000, holdMs: 20_000 });
  await node.call('snapshot', { vm: VM, memory: false, full: false });
  const { pausedMs } = await node.call('thaw', { vm: VM });
  const { files, disks } = await node.call('finish-snapshot', { vm: VM, cut });
  const [disk] = disks;
  assert.ok(disk !== undefined);
  return { frozen, pausedMs, files, disk };
}

/** A machine is restored from files of the first agent, with its memory, and minds the power button. */
export async function goesOn(
  agents: Pair,
  { files, events }: { files: readonly { name: string; path: string }[]; events: string[] },
): Promise<void> {
  const path = (file: string): string =>
    files.find(({ name }) => name === `${VM}-${file}`)?.path ?? assert.fail(`no ${file}`);
  const description = vmDescription.parse(JSON.parse(readFileSync(path('vm.json'), 'utf8')));
  const { boot, task } = description.wanted;
  const from = { node: agents.from ?? 'front', host: '127.0.0.1', port: agents.front.port };
  const parts = boot.kind === 'kernel' ? [boot.kernel, boot.initramfs, task?.inputs] : [];
  for (const file of parts) if (file) await agents.node.call('fetch', { file, from });
  const root = await deploy(agents, path('root.raw'));
  const kgout = await deploy(agents, path('kgout.raw'));
  const memory = await deploy(agents, path('memory'));
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
