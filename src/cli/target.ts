import { createHash } from 'node:crypto';
import { accessSync, constants, realpathSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';
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
  takeLock(
    lock,
    (pid) =>
      new KgetError(
        'locked',
        `Cannot gather into ${directory}: another run (process ${pid}) works in it; ` +
          'wait for its end or name another directory',
      ),
  );
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
