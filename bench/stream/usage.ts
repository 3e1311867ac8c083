import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Clock ticks in a second, in which /proc counts processor time. */
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * Processor seconds of all ended and awaited descendants of a process: proc(5), cutime and cstime.
 */
export function childrenSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return secondsOf(stat, 13) + secondsOf(stat, 14);
}

/**
 * The name of the process, in parentheses, may hold anything: fields are counted from behind it.
 */
function secondsOf(stat: string, field: number): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[field]) / TICKS_PER_SECOND;
}

/** Living children of a process. */
export function childrenOf(pid: number): number[] {
  const text = readOrEmpty(`/proc/${pid}/task/${pid}/children`);
  return text.split(' ').filter(Boolean).map(Number);
}

/** Follows the peak memory of process trees by looking now and then. */
export interface MemoryWatch {
  /** Sum over all processes of each one's peak, in bytes. */
  stop(): number;
}

const LOOK_EVERY_MS = 50;

export function watchMemory(roots: readonly number[]): MemoryWatch {
  const peaks = new Map<number, number>();
  const timer = setInterval(() => roots.forEach(look), LOOK_EVERY_MS);

  function look(pid: number): void {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1];
    if (peak !== undefined) peaks.set(pid, Number(peak) * 1024);
    childrenOf(pid).forEach(look);
  }

  return {
    stop: () => {
      clearInterval(timer);
      return [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
    },
  };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
