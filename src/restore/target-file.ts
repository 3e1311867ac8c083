import { lstatSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { makeDirectory, syncDirectory } from '../content/durable.ts';
import { partPathOf } from '../content/part-file.ts';
import { storeFailure } from '../content/room.ts';
import { indexPathOf } from '../content/seed-file.ts';
import { takeLock } from '../store/lock.ts';

/** What a file is made of, and where it is to be. */
export interface TargetOptions {
  /** The final path. */
  readonly path: string;
  /** What it is, for error messages, e.g. `snapshot RUN/NODE/NAME`. */
  readonly title: string;
  /** Whether a file that is there already is replaced. */
  readonly force: boolean;
}

/** A file that this process alone makes, until it is released. */
export interface TargetFile {
  /** Where it is put together, beside its final place. */
  readonly partPath: string;
  /** Whether there is an older file, which will be replaced. */
  readonly isThere: boolean;
  /**
   * Gives the part, which is complete and synced, its final name, durably; the index of an older
   * file goes before. @throws KgetError `usage` if a file has come there meanwhile; Error the system's
   */
  publish(): Promise<void>;
  /** Idempotent; the part stays. */
  release(): void;
}

/**
 * Takes the right to make the file at a path; its directory is made if need be.
 * @throws KgetError `usage` if there is a file and it is not to be replaced, `locked` if another
 * process makes it, `target-unwritable`
 */
export async function takeTarget(options: TargetOptions): Promise<TargetFile> {
  const { path, title } = options;
  const partPath = partPathOf(path);
  const isThere = confirmFree(options);
  const release = await lockPath(path, title);
  return {
    partPath,
    isThere,
    async publish() {
      const wasThere = confirmFree(options);
      if (wasThere) rmSync(indexPathOf(path), { force: true });
      if (wasThere) await syncDirectory(dirname(path));
      renameSync(partPath, path);
      await syncDirectory(dirname(path));
    },
    release,
  };
}

/**
 * Takes the right to make what is to be at a path; its directory is made if need be. Returns how to
 * give it back. @throws KgetError `locked`, `target-unwritable`
 */
export async function lockPath(path: string, title: string): Promise<() => void> {
  const lock = join(dirname(path), `.${basename(path)}.kgetplus-lock`);
  try {
    await makeDirectory(dirname(path));
    takeLock(lock, (pid) => {
      const found = `another process (${pid}) makes it; wait for its end or name another path`;
      return new KgetError('locked', `Cannot make ${path} of ${title}: ${found}`);
    });
  } catch (error) {
    throw storeFailure(error, { title, directory: dirname(path), neededBytes: 0 });
  }
  return () => rmSync(lock, { force: true });
}

/** Whether there is a file that is to be replaced. */
function confirmFree({ path, title, force }: TargetOptions): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (!found.isFile()) {
    const advice = 'found something else than a regular file there; name another path';
    throw new KgetError('usage', `Cannot make ${path} of ${title}: ${advice}`);
  }
  if (force) return true;
  const advice = 'there is a file already; name another one, or replace it with --force';
  throw new KgetError('usage', `Cannot make ${path} of ${title}: ${advice}`);
}
