import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { UseRecord } from './record.ts';

/**
 * What a group of processes uses: a control group (cgroups(7), version 2) of their own, in which
 * the kernel adds up the time also of those that have ended.
 */
export interface ProcessGroup {
  /** From now on these processes, with all that they will start, belong to the group. */
  join(pids: readonly number[]): void;
  /** What the group uses from now on. */
  watch(): UseWatch;
  /** Only when no process of it is left. */
  remove(): void;
}

interface UseWatch {
  stop(): Promise<UseRecord>;
}

/** Looking at the memory of many processes takes long: at most this part of the time goes into it. */
const LOOKING_SHARE = 0.01;
const LOOK_EVERY_MS = 250;

/** The group with this name; a stand-in that measures no processor time without control groups. */
export function openProcessGroup(name: string): ProcessGroup {
  const directory = makeGroup(name);
  if (directory === undefined) return NO_GROUP;
  const joinPath = join(directory, 'cgroup.procs');
  return {
    join: (pids) => {
      for (const pid of pids) ignoreFailure(() => writeFileSync(joinPath, String(pid)));
    },
    watch: () => watchGroup(directory),
    remove: () => ignoreFailure(() => rmdirSync(directory)),
  };
}

const NO_GROUP: ProcessGroup = {
  join: () => undefined,
  watch: () => ({ stop: async () => Promise.resolve({ cpuSeconds: null, peakBytes: 0 }) }),
  remove: () => undefined,
};

function watchGroup(directory: string): UseWatch {
  const before = cpuSeconds(directory);
  const ending = new AbortController();
  const peak = peakMemory(directory, ending.signal);
  return {
    stop: async () => {
      const used = cpuSeconds(directory) - before;
      ending.abort();
      return { cpuSeconds: used, peakBytes: await peak };
    },
  };
}

async function peakMemory(directory: string, signal: AbortSignal): Promise<number> {
  let peak = 0;
  while (!signal.aborted) {
    const startMs = performance.now();
    peak = Math.max(peak, memoryBytes(directory));
    const tookMs = performance.now() - startMs;
    const waitMs = Math.max(LOOK_EVERY_MS, tookMs / LOOKING_SHARE);
    await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return peak;
}

function memoryBytes(directory: string): number {
  const pids = readOr('', join(directory, 'cgroup.procs')).split('\n').filter(Boolean);
  const sizes = pids.map((pid) => {
    const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(readOr('', `/proc/${pid}/smaps_rollup`))?.[1];
    return Number(kibibytes ?? 0) * 1024;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

function cpuSeconds(directory: string): number {
  const stat = readFileSync(join(directory, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1]) / 1e6;
}

function makeGroup(name: string): string | undefined {
  const mounted = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  if (mounted === undefined) return undefined;
  const directory = join(mounted, name);
  try {
    mkdirSync(directory, { recursive: true });
    return directory;
  } catch {
    // A container with read-only control groups.
    return undefined;
  }
}

function readOr(otherwise: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process is gone.
    return otherwise;
  }
}

function ignoreFailure(action: () => void): void {
  try {
    action();
  } catch {
    // The process, or the group, is gone.
  }
}
