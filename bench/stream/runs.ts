import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthority } from '../../src/transfer/identity.ts';
import type { ReceiverSetup, SenderSetup } from './setup.ts';
import type { PrivateSshd } from './sshd.ts';
import { childrenOf, childrenSeconds, watchMemory } from './usage.ts';

/** What one transfer took. */
export interface Measurement {
  /** From the start of the receiving command to its end; the sending side is up before. */
  readonly wallSeconds: number;
  /** User and system time of all processes of both sides. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly movedBytes: number;
  /** User and system time of our receiver alone, in seconds. */
  readonly receiver?: { readonly user: number; readonly system: number };
}

export interface RunFiles {
  readonly source: string;
  readonly target: string;
  readonly directory: string;
}

export interface OurRun extends RunFiles {
  /** The node executable, and the two bundled programs. */
  readonly node: string;
  readonly senderScript: string;
  readonly receiverScript: string;
  readonly chunkSizeBytes: number;
  /** Whether the image is scanned before the transfer, or while it runs. */
  readonly scan: 'before' | 'meanwhile';
}

/** Fills as much of the file system as a copy will take, and frees it again. */
export function touchMemory({ source, target }: RunFiles): void {
  copyFileSync(source, target);
  rmSync(target);
}

/** Reads the lines of JSON that a process prints, one at a time. */
function linesOf(child: ChildProcess): () => Promise<Record<string, unknown>> {
  if (child.stdout === null) throw new Error('the process has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error('a process of the benchmark ended early');
    return JSON.parse(value) as Record<string, unknown>;
  };
}

export async function runOurs(run: OurRun): Promise<Measurement> {
  const { node, source, target, chunkSizeBytes } = run;
  const authority = await createAuthority(new Date());
  const senderSetup: SenderSetup = {
    identity: await authority.issue('sender'),
    path: source,
    indexPath: `${run.directory}/source.caibx`,
    chunkSizeBytes,
  };
  const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
  const sender = spawn(node, [run.senderScript, JSON.stringify(senderSetup)], { stdio });
  const next = linesOf(sender);
  const { port } = await next();
  if (run.scan === 'before') {
    sender.stdin.write('scan\n');
    await next();
    await next();
  }
  const idleSeconds = await usageOf(sender, next);
  const receiverSetup: ReceiverSetup = {
    identity: await authority.issue('receiver'),
    path: target,
    chunkSizeBytes,
    port: Number(port),
  };
  const command = [node, run.receiverScript, JSON.stringify(receiverSetup)];
  const startMs = performance.now();
  if (run.scan === 'meanwhile') sender.stdin.write('scan\n');
  const shell = measured(command, sender.pid);
  const { cpuSeconds, output, peakBytes } = await shell;
  const wallSeconds = (performance.now() - startMs) / 1000;
  if (run.scan === 'meanwhile') {
    await next();
    await next();
  }
  const sendingSeconds = (await usageOf(sender, next)) - idleSeconds;
  sender.stdin.end();
  await once(sender, 'exit');
  const { wireBytes, usage } = JSON.parse(output) as {
    readonly wireBytes: number;
    readonly usage: NodeJS.CpuUsage;
  };
  return {
    wallSeconds,
    cpuSeconds: cpuSeconds + sendingSeconds,
    peakBytes,
    movedBytes: wireBytes,
    receiver: { user: usage.user / 1e6, system: usage.system / 1e6 },
  };
}

async function usageOf(
  sender: ChildProcess,
  next: () => Promise<Record<string, unknown>>,
): Promise<number> {
  sender.stdin?.write('usage\n');
  const { user, system } = await next();
  return (Number(user) + Number(system)) / 1e6;
}

export async function runScp(run: RunFiles, sshd: PrivateSshd): Promise<Measurement> {
  const cipher = ['-c', 'aes128-gcm@openssh.com', '-o', 'Compression=no'];
  const from = `127.0.0.1:${run.source}`;
  const port = ['-P', String(sshd.port)];
  const command = ['scp', '-q', ...sshd.clientOptions, ...cipher, ...port, from, run.target];
  const before = childrenSeconds(sshd.pid);
  const startMs = performance.now();
  const { cpuSeconds, peakBytes } = await measured(command, sshd.pid);
  const wallSeconds = (performance.now() - startMs) / 1000;
  // The server's processes leave a moment later, and count once they are reaped.
  while (childrenOf(sshd.pid).length > 0) await sleep(10);
  const movedBytes = Number(execFileSync('stat', ['-c', '%s', run.source], { encoding: 'utf8' }));
  const serverSeconds = childrenSeconds(sshd.pid) - before;
  return { wallSeconds, cpuSeconds: cpuSeconds + serverSeconds, peakBytes, movedBytes };
}

interface Measured {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly output: string;
}

/** Runs a command below a shell that tells at the end what all its descendants took: times(1p). */
async function measured(command: readonly string[], serverPid?: number): Promise<Measured> {
  const script = '"$@" && times >&2';
  const shell = spawn('bash', ['-c', script, 'bash', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const memory = watchMemory([shell.pid, serverPid].filter((pid) => pid !== undefined));
  let output = '';
  let errors = '';
  shell.stdout.on('data', (text: Buffer) => {
    output += text.toString();
  });
  shell.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  await once(shell, 'close');
  const peakBytes = memory.stop();
  // Two lines of user and system time, the shell's own and its children's: 0m0.001s 0m0.002s
  const times = [...errors.matchAll(/(\d+)m([\d.]+)s/g)].slice(-2);
  if (shell.exitCode !== 0 || times.length !== 2) throw new Error(`${command[0]}: ${errors}`);
  const cpuSeconds = times.reduce((sum, [, min, sec]) => sum + Number(min) * 60 + Number(sec), 0);
  return { cpuSeconds, peakBytes, output };
}

/** Compares the copy and removes it with what lies beside it. */
export function checkAndRemove({ source, target, directory }: RunFiles): void {
  execFileSync('cmp', [source, target]);
  for (const path of [target, `${target}.caibx`, `${directory}/source.caibx`]) {
    rmSync(path, { force: true });
  }
}
