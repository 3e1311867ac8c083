import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { KgetError, systemCode } from '../base/error.ts';

/**
 * Takes a directory for this process, by a lock file with the process's identity. One whose owner
 * is gone is taken over. @throws KgetError `locked` if another process has it
 */
export function takeLock(lock: string, directory: string): void {
  const own = `${lock}.${process.pid}`;
  // Complete before it has its name: nobody ever reads half a lock.
  writeFileSync(own, identityOf(process.pid) ?? '', { mode: 0o600 });
  try {
    while (!linked(own, lock)) {
      const owner = readLock(lock);
      if (owner !== undefined && identityOf(owner.pid) === owner.identity) {
        throw new KgetError(
          'locked',
          `Cannot gather into ${directory}: another run (process ${owner.pid}) works in it; ` +
            'wait for its end or name another directory',
        );
      }
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function linked(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function readLock(lock: string): { readonly pid: number; readonly identity: string } | undefined {
  try {
    const identity = readFileSync(lock, 'utf8');
    const pid = Number(identity.split(' ')[0]);
    return Number.isInteger(pid) && pid > 0 ? { pid, identity } : undefined;
  } catch {
    return undefined;
  }
}

/** The id and the start time of a running process, as proc(5) tells it: ids are used again. */
function identityOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold blanks; field 22 is the start time.
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${pid} ${startTime}\n`;
  } catch {
    return undefined;
  }
}
