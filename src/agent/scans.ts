import { toFailure } from '../base/error.ts';
import type { AgentOutlet } from '../control/channel.ts';
import { findImages } from '../source/find-images.ts';
import { createScanQueue, type ScanQueueOptions } from './scan-queue.ts';

export interface ScanOptions extends ScanQueueOptions {
  /** Where relative paths start. */
  readonly home: string;
}

/** The agent's own images: found for each coordinator, and scanned once, one after the other. */
export interface Scans {
  /**
   * Tells what the patterns name, and then of each image what its scan found. One that has been
   * scanned, or is in line for it, is not scanned again unless its file is another one by now.
   */
  find(patterns: readonly string[], coordinator: AgentOutlet): void;
  /** Resolves when no scan runs; after the signal was aborted, soon. */
  ended(): Promise<void>;
}

export function createScans(options: ScanOptions): Scans {
  const { home, signal } = options;
  /** By path: who waits for a scan hears how far it has come. */
  const waiting = new Map<string, AgentOutlet>();
  const scans = createScanQueue(options, (path, scannedBytes) => {
    waiting.get(path)?.send({ type: 'scanning', path, scannedBytes });
  });
  let work: Promise<unknown> = Promise.resolve();

  async function find(patterns: readonly string[], coordinator: AgentOutlet): Promise<void> {
    const { images, problems } = await findImages({ patterns, home });
    coordinator.send({ type: 'found', images: [...images], problems: [...problems] });
    await Promise.all(images.map(({ path }) => tell(path, coordinator)));
  }

  /** Tells what the scan of an image found; a failure does not stop the others. */
  async function tell(path: string, coordinator: AgentOutlet): Promise<void> {
    waiting.set(path, coordinator);
    try {
      const { dataBytes, imageDigest, sketch } = await scans.outcomeOf(path);
      coordinator.send({ type: 'scanned', path, dataBytes, imageDigest, sketch });
    } catch (error) {
      const failure = toFailure(error);
      if (!signal.aborted) coordinator.send({ type: 'scan-failed', path, failure });
    } finally {
      if (waiting.get(path) === coordinator) waiting.delete(path);
    }
  }

  return {
    find(patterns, coordinator) {
      const found = find(patterns, coordinator).catch((error: unknown) => {
        const failure = toFailure(error);
        const problems = patterns.map((pattern) => ({ pattern, failure }));
        coordinator.send({ type: 'found', images: [], problems });
      });
      work = Promise.all([work, found]);
    },
    async ended() {
      await Promise.all([work, scans.ended()]);
    },
  };
}
