/**
 * What an agent costs: its peak memory for a small and a large sparse image, and the time from the
 * start of the command to the first byte from a node over real ssh, beside a bare `ssh true`.
 * `npm run bench:agent`; the second part needs root. One JSON line at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGather } from '../lab/gather.ts';
import { missingForLab } from '../lab/requirements.ts';
import { startLab } from '../lab/start.ts';
import { parseReport } from '../src/report/json.ts';
import { incompressibleImage } from '../src/samples/images.ts';

const MiB = 1024 * 1024;
const COMMAND = join(import.meta.dirname, '../bin/kgetplus.cjs');
const SAMPLE_MS = 20;
const STARTS = 5;

const memory = [await peakMemory(64), await peakMemory(16 * 1024)];
const start = missingForLab().length === 0 ? await startTimes() : undefined;
for (const line of memory) process.stdout.write(`${JSON.stringify(line)}\n`);
process.stdout.write(`${JSON.stringify({ memory, start })}\n`);

/** Peak resident memory of the agents of two nodes and the frontend; images hold 64 MiB of data. */
async function peakMemory(imageMiB: number) {
  const directory = await mkdtemp(join(tmpdir(), 'kgetplus-bench-'));
  try {
    for (const node of ['n1', 'n2']) await makeImage(join(directory, node), imageMiB);
    const words = ['gather', '-w', 'n[1-2]', '--launcher', 'local', '--to', join(directory, 'out')];
    const image = join(directory, '{node}', 'disk.img');
    const spool = ['--spool', join(directory, 'spool')];
    const child = spawn(process.execPath, [COMMAND, ...words, ...spool, image], {
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    const peaks = new Map<string, number>();
    while (child.exitCode === null) {
      for (const [agent, bytes] of await agentPeaks()) peaks.set(agent, bytes);
      await Promise.race([ended, sleep(SAMPLE_MS)]);
    }
    const sorted = [...peaks.values()].map((bytes) => bytes / 1e6).toSorted((a, b) => a - b);
    return { imageMiB, exitCode: child.exitCode, agents: sorted.length, peaksMB: sorted };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A sparse image with 64 MiB of data in pieces all over it. */
async function makeImage(directory: string, imageMiB: number): Promise<void> {
  await mkdir(directory);
  const path = join(directory, 'disk.img');
  await incompressibleImage(path, 32 * MiB, path);
  const file = await open(path, 'r+');
  await file.truncate(imageMiB * MiB);
  const noise = Buffer.alloc(MiB, path);
  for (let piece = 0; piece < 32; piece += 1) {
    const offset = Math.floor((imageMiB / 2 + (piece * imageMiB) / 65) * MiB);
    await file.write(noise, 0, noise.length, offset);
  }
  await file.close();
}

/** Peak resident bytes (VmHWM of proc(5)) of each agent process of this checkout. */
async function agentPeaks(): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    try {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      if (!command.includes(join(import.meta.dirname, '../dist/agent.cjs'))) continue;
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const kibibytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
      found.push([pid, kibibytes * 1024]);
    } catch {
      // It has ended since it was listed.
    }
  }
  return found;
}

/** Seconds until a node's first transfer began, agent cached on the node; and of a bare ssh. */
async function startTimes() {
  await using lab = await startLab({ nodes: 1, rate: '1gbit' });
  const [node] = lab.nodes;
  if (node === undefined) throw new Error('the lab has no node');
  await incompressibleImage(join(node.labnode, 'disk.img'), MiB, 'start');
  const firstByteSeconds: number[] = [];
  const sshSeconds: number[] = [];
  for (let round = 0; round <= STARTS; round += 1) {
    const before = performance.now();
    await lab.run(lab.frontend, ['ssh', '-F', lab.sshConfig, node.name, 'true']);
    const ssh = (performance.now() - before) / 1000;
    const run = await startGather(lab, ['-w', node.name, '/labnode/disk.img']).ended;
    const report = parseReport({ text: run.report ?? '', file: 'report.json' });
    // The first round ships the agent.
    if (round === 0) continue;
    sshSeconds.push(ssh);
    firstByteSeconds.push(report.transfers[0]?.startSeconds ?? Number.NaN);
  }
  return { sshSeconds: median(sshSeconds), firstByteSeconds: median(firstByteSeconds) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
