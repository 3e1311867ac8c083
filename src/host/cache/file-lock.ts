import { rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { KgetError, toFailure } from '../../base/error.ts';
import { takeLock } from '../../store/lock.ts';

/** Another host agent may be fetching the same file: it is waited for that long, ... */
const LOCK_LIMIT_MS = 30 * 60_000;
/** ... with a look now and then. */
const LOCK_LOOK_MS = 500;

/**
 * Takes a file of the cache for this process: two must not put it together at once.
 * @throws KgetError `locked` if another process has it for too long, or `signal` is aborted
 */
export async function takeFile(
  path: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Disposable> {
  const lock = join(dirname(path), `.${basename(path)}.lock`);
  const endMs = clock.nowMs() + LOCK_LIMIT_MS;
  for (;;) {
    try {
      takeLock(lock, (pid) => taken(path, pid));
      return { [Symbol.dispose]: () => rmSync(lock, { force: true }) };
    } catch (error) {
      const isOver = signal.aborted || clock.nowMs() >= endMs;
      if (toFailure(error).code !== 'locked' || isOver) throw error;
    }
    await clock.sleep(LOCK_LOOK_MS, signal);
  }
}

function taken(path: string, pid: number): KgetError {
  const found = `process ${pid} of this host is fetching it`;
  return new KgetError('locked', `Cannot fetch ${path}: ${found}; wait for it, or end it`);
}
