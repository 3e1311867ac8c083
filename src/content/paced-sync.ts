import { syncData } from './durable.ts';

/** Bytes that are written between two syncs: at most twice as many are dirty at any time. */
export const SYNC_EVERY_BYTES = 256 * 1024 * 1024;

/**
 * Keeps the disk busy while a file is written, so that its last sync is short and memory stays
 * clean.
 */
export interface PacedSync {
  /** Tells that `bytes` more were written; may start a sync. */
  wrote(bytes: number): void;
  /** Resolves when writing may go on. @throws Error the system's, if a sync failed */
  ready(): Promise<void>;
  /** Resolves when no sync runs; never throws. */
  idle(): Promise<void>;
  /**
   * Waits for the sync that runs, if one does, and for one of everything. @throws Error the
   * system's
   */
  finish(): Promise<void>;
  /**
   * Whether a sync has failed. What was written then may be seen by readers, and never reach the
   * disk, even if a later sync succeeds: Linux gives up pages that could not be written.
   */
  hasFailed(): boolean;
}

export function createPacedSync(
  fd: number,
  sync: (fd: number) => Promise<void> = syncData,
): PacedSync {
  let dirtyBytes = 0;
  let running: Promise<void> | undefined;
  let failure: { readonly cause: unknown } | undefined;

  async function syncNow(): Promise<void> {
    try {
      await sync(fd);
    } catch (error) {
      failure ??= { cause: error };
    }
  }
  function start(): void {
    dirtyBytes = 0;
    running = syncNow().finally(() => {
      running = undefined;
    });
  }
  function rethrow(): void {
    if (failure !== undefined) throw failure.cause;
  }
  return {
    wrote(bytes) {
      dirtyBytes += bytes;
      if (dirtyBytes >= SYNC_EVERY_BYTES && running === undefined) start();
    },
    async ready() {
      if (dirtyBytes >= SYNC_EVERY_BYTES) await running;
      rethrow();
    },
    async idle() {
      await running;
    },
    async finish() {
      await running;
      rethrow();
      await syncNow();
      rethrow();
    },
    hasFailed: () => failure !== undefined,
  };
}
