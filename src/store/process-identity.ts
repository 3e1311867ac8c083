import { readFileSync } from 'node:fs';

/**
 * The id and the start time of a running process, as proc(5) tells it (ids are used again);
 * undefined if there is none.
 */
export function identityOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold blanks; field 22 is the start time.
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${pid} ${startTime}\n`;
  } catch {
    return undefined;
  }
}

/** Whether the process that `identity` names still runs. */
export function isRunning(identity: string): boolean {
  return identityOf(Number(identity.split(' ')[0])) === identity;
}
