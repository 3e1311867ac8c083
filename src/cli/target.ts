import { createHash } from 'node:crypto';
import { accessSync, constants, realpathSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { makeDirectoryNow } from '../content/durable.ts';
import { storeFailure } from '../content/room.ts';
import { takeLock } from '../store/lock.ts';

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
  try {
    takeLock(lock, (pid) => lockedFailure(directory, pid));
  } catch (error) {
    throw storeFailure(error, { title: 'the lock of a run', directory: own, neededBytes: 0 });
  }
  return {
    directory,
    key: createHash('sha256').update(`${hostname()}\0${directory}`).digest('hex').slice(0, 16),
    journalPath: join(own, 'journal.jsonl'),
    jsonReportPath: join(own, 'report.json'),
    htmlReportPath: join(own, 'report.html'),
    [Symbol.dispose]: () => rmSync(lock, { force: true }),
  };
}

function lockedFailure(directory: string, pid: number): KgetError {
  return new KgetError(
    'locked',
    `Cannot gather into ${directory}: another run (process ${pid}) works in it; ` +
      'wait for its end or name another directory',
  );
}

function makeDirectory(path: string): string {
  try {
    // Before anything in it is, and counts.
    makeDirectoryNow(path);
    const directory = realpathSync(path);
    accessSync(directory, constants.W_OK | constants.X_OK);
    makeDirectoryNow(join(directory, '.kgetplus'));
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
