import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';

/** A target directory that this run alone works in, until it is disposed of. */
export interface Target extends Disposable {
  readonly directory: string;
  /** Names this directory of this host to the agents. */
  readonly key: string;
  readonly journalPath: string;
  readonly jsonReportPath: string;
  readonly htmlReportPath: string;
}

/**
 * Makes the target directory if need be, and takes it for this run.
 * @throws KgetError `target-unwritable`, or `locked` if another run works in it
 */
export function openTarget(path: string): Target {
  const directory = makeDirectory(path);
  const own = join(directory, '.kgetplus');
  const lock = join(own, 'lock');
  takeLock(lock, directory);
  return {
    directory,
    key: createHash('sha256').update(`${hostname()}\0${directory}`).digest('hex').slice(0, 16),
    journalPath: join(own, 'journal.jsonl'),
    jsonReportPath: join(own, 'report.json'),
    htmlReportPath: join(own, 'report.html'),
    [Symbol.dispose]: () => rmSync(lock, { force: true }),
  };
}

function makeDirectory(path: string): string {
  try {
    makeDirectories(path);
    const directory = realpathSync(path);
    accessSync(directory, constants.W_OK | constants.X_OK);
    makeDirectories(join(directory, '.kgetplus'));
    return directory;
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError(
      'target-unwritable',
      `Cannot gather into ${path}: ${found}; name a directory that you can write in`,
      { cause: error },
    );
  }
}

/** The lock is a file with the owner's process id; one whose owner is gone is taken over. */
function takeLock(lock: string, directory: string): void {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(lock, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      const owner = ownerOf(lock);
      if (owner !== undefined && isAlive(owner)) {
        throw new KgetError(
          'locked',
          `Cannot gather into ${directory}: another run (process ${owner}) works in it; ` +
            'wait for its end or name another directory',
          { cause: error },
        );
      }
      rmSync(lock, { force: true });
    }
  }
  throw new KgetError(
    'locked',
    `Cannot gather into ${directory}: ${lock} comes back again and again`,
  );
}

function ownerOf(lock: string): number | undefined {
  try {
    const pid = Number(readFileSync(lock, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
