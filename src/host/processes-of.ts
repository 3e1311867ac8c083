import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ids of living processes whose command line names `path`, as proc(5) tells it, but for our own.
 * A process that has ended and was not waited for has no command line.
 */
export function processesOf(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => commandLine(pid).includes(path))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
