import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type KgetError, systemCode } from '../base/error.ts';
import { identityOf, isRunning } from './process-identity.ts';

/**
 * Takes something for this process by a lock file with the process's identity, until the file is
 * removed. One whose owner is gone is taken over. The directory of the file must be there.
 * @throws KgetError what `refusal` makes of the id of the process that has it
 */
export function takeLock(lock: string, refusal: (pid: number) => KgetError): void {
  const own = `${lock}.${process.pid}`;
  // Complete before it has its name: nobody ever reads half a lock.
  writeFileSync(own, identityOf(process.pid) ?? '', { mode: 0o600 });
  try {
    while (!linked(own, lock)) {
      const owner = readLock(lock);
      if (owner !== undefined && isRunning(owner)) {
        throw refusal(Number(owner.split(' ')[0]));
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

function readLock(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
}
