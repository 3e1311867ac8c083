import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import { growIndex } from '../content/growing-index.ts';
import type { ServedImage } from '../content/image.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { SeedTable } from '../content/seed-table.ts';
import { fileImage } from '../source/file-image.ts';
import { scanImage, type ScannedImage } from '../source/scan.ts';
import { identify, isSameFile, type FileIdentity } from '../source/source-file.ts';
import { SCAN_PROGRESS_INTERVAL_MS } from './limits.ts';

export interface ScanQueueOptions {
  readonly clock: Clock;
  readonly node: string;
  readonly chunkSizeBytes: number;
  /** Where indexes go while the agent lives; one without it has no images of its own. */
  readonly scratch: string | undefined;
  readonly files: OpenFiles;
  readonly seeds: SeedTable;
  /** Takes the images, by their id, as soon as they are known: their indexes grow. */
  readonly served: Map<string, ServedImage>;
  /** Ends all scans. */
  readonly signal: AbortSignal;
  /** Reads an image; `scanImage` if not given. */
  readonly scan?: typeof scanImage;
}

/** One image that is scanned, or will be in its turn. */
interface Scan {
  readonly identity: FileIdentity;
  readonly outcome: Promise<ScannedImage>;
  hasFailed: boolean;
  /** Another file has its name now. */
  abandon(): void;
}

/** Scans that were made, and those that wait for their turn, by path. */
export interface ScanQueue {
  /**
   * What the scan of the file finds that is at `path` now; it is begun unless there is one.
   * @throws KgetError `source-unreadable` and others, as `scanImage`
   */
  outcomeOf(path: string): Promise<ScannedImage>;
  /** Resolves when no scan runs. */
  ended(): Promise<unknown>;
}

/** A queue that calls `onProgress` now and then with how far the scan of a path has come. */
export function createScanQueue(
  options: ScanQueueOptions,
  onProgress: (path: string, scannedBytes: number) => void,
): ScanQueue {
  const { clock, node, chunkSizeBytes, scratch, files, seeds, served, signal } = options;
  const scan = options.scan ?? scanImage;
  const scans = new Map<string, Scan>();
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;

  /** Tells how far the scan of `path` has come, but not often. */
  function paced(path: string): (progress: { readonly scannedBytes: number }) => void {
    let toldMs = clock.nowMs();
    return ({ scannedBytes }) => {
      const nowMs = clock.nowMs();
      if (nowMs - toldMs < SCAN_PROGRESS_INTERVAL_MS) return;
      toldMs = nowMs;
      onProgress(path, scannedBytes);
    };
  }

  function begin(identity: FileIdentity): Scan {
    assert(scratch !== undefined, 'only an agent of a node has images');
    const { path, sizeBytes } = identity;
    const hash = createHash('sha256').update(path).digest('hex').slice(0, 32);
    // A file that takes the place of another one gets an index of its own: the old one may be open.
    count += 1;
    const shape = { sizeBytes, chunkSizeBytes };
    const index = growIndex({ path: join(scratch, `${hash}-${count}.caibx`), shape, files });
    const image = fileImage({ identity, index, chunkSizeBytes, files });
    let isAbandoned = false;
    let stop: (() => void) | undefined;

    async function inTurn(turn: Promise<unknown>): Promise<ScannedImage> {
      await turn;
      // Made when it is needed: thousands of images may be in line.
      const stopped = new AbortController();
      stop = () => stopped.abort();
      signal.addEventListener('abort', stop);
      try {
        if (signal.aborted || isAbandoned) stop();
        if (stopped.signal.aborted) throw new KgetError('cancelled', `Did not scan ${path}`);
        const { signal: stopping } = stopped;
        return await scan({ identity, index, seeds, signal: stopping, onProgress: paced(path) });
      } catch (error) {
        begun.hasFailed = true;
        throw error;
      } finally {
        signal.removeEventListener('abort', stop);
        if (stopped.signal.aborted) index.close();
      }
    }
    const begun: Scan = {
      identity,
      outcome: inTurn(last),
      hasFailed: false,
      abandon() {
        isAbandoned = true;
        stop?.();
        // While it is read, the scan closes its index itself.
        void begun.outcome.catch(() => {}).then(() => index.close());
      },
    };
    served.set(`${node}:${path}`, image);
    last = begun.outcome.catch(() => {});
    return begun;
  }

  return {
    async outcomeOf(path) {
      const identity = identify(path);
      const known = scans.get(path);
      if (known !== undefined && !known.hasFailed && isSameFile(known.identity, identity)) {
        return known.outcome;
      }
      known?.abandon();
      const begun = begin(identity);
      scans.set(path, begun);
      return begun.outcome;
    },
    ended: () => last,
  };
}
