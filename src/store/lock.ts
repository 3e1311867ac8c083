import { createHash } from 'node:crypto';
import { linkSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { KgetError, systemCode } from '../base/error.ts';
import { identityOf, isRunning } from './process-identity.ts';

/**
 * Takes something for this process by a lock file with the process's identity, until the file is
 * removed. One whose owner is gone is taken over. The directory of the file must be there.
 * @throws KgetError what `refusal` makes of the id of the process that has it; `target-unwritable`
 * if something else than a file is in its place
 */
export function takeLock(lock: string, refusal: (pid: number) => KgetError): void {
  const own = `${lock}.${process.pid}`;
  // Complete before it has its name: nobody ever reads half a lock.
  writeFileSync(own, identityOf(process.pid) ?? '', { mode: 0o600 });
  try {
    while (!linked(own, lock)) {
      const owner = readLock(lock);
      if (owner === undefined) continue;
      if (isRunning(owner)) throw refusal(Number(owner.split(' ')[0]));
      removeStale(lock, owner, refusal);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Removes the lock of an owner that is gone. Two that find it at once must not both: the second one
 * would remove what the first has taken since. So the right to remove it is a lock by itself.
 */
function removeStale(lock: string, owner: string, refusal: (pid: number) => KgetError): void {
  const hash = createHash('sha256').update(owner).digest('hex').slice(0, 16);
  const removal = `${lock}.stale-${hash}`;
  takeLock(removal, refusal);
  try {
    if (readLock(lock) === owner) rmSync(lock);
  } finally {
    rmSync(removal, { force: true });
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

/** Undefined if there is none. */
function readLock(lock: string): string | undefined {
  const found = lstatSync(lock, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  // A link to nowhere would be there, and not there, without end; a pipe is never read to its end.
  if (!found.isFile()) throw notFile(lock);
  try {
    return readFileSync(lock, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function notFile(lock: string): KgetError {
  return new KgetError(
    'target-unwritable',
    `Cannot take the lock ${lock}: found something else than a file there; remove it`,
  );
}
