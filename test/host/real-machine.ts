import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeployedFile, FoundVm, WantedVm } from '../../src/control/host-calls.ts';
import { realClock } from '../control/clocks.ts';
import { buildRecipe } from '../machine-image/build-setup.ts';
import { MEBIBYTE } from './fixture.ts';
import type { RealAgent } from './real-agent.ts';

const TINY = readFileSync(join(import.meta.dirname, '../../recipes/tiny/recipe.yaml'), 'utf8');
/** Under emulation, on a machine that is busy. */
const EVENT_LIMIT_MS = 120_000;
const LOOK_MS = 200;

/** The machine of these tests. */
export const VM = 'real.1';

/** Agents of which the first has files that the other one wants. */
export interface Pair {
  readonly front: RealAgent;
  readonly node: RealAgent;
  /** What the first is called; `front` if not given. */
  readonly from?: string;
}

/** Files from one agent in the cache of another. */
export async function deploy(agents: Pair, path: string): Promise<DeployedFile> {
  const { front, node } = agents;
  const file = await front.call('serve-file', { path });
  const from = { node: agents.from ?? 'front', host: '127.0.0.1', port: front.port };
  await node.call('fetch', { file, from });
  return file;
}

export async function untilFound(
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
export async function wantedOn(agents: Pair, directory: string): Promise<WantedVm> {
  const image = await buildRecipe({ text: TINY, directory: join(directory, 'build') });
  mkdirSync(join(directory, 'inputs'), { recursive: true });
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
