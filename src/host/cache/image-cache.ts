import { rmSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import type { ServedImage } from '../../content/image.ts';
import { createOpenFiles } from '../../content/open-files.ts';
import { makePrivate } from '../../content/private-directory.ts';
import { addSeedFile } from '../../content/seed-file.ts';
import { createSeedTable } from '../../content/seed-table.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { PullLimits } from '../../transfer/limits.ts';
import { unlimited } from '../../transfer/rate-limit.ts';
import { serve } from '../../transfer/serve.ts';
import type { Identity, RateLimit } from '../../transfer/transfer.ts';
import { cachedFiles, isDigest } from './cached-files.ts';
import { createFetches, type FetchRequest, type FetchResult } from './fetches.ts';
import { createShelf } from './shelf.ts';
import { createSources, type StoredFile } from './sources.ts';
import { createWholeFiles } from './whole-files.ts';

export interface ImageCacheOptions {
  /** What it keeps lies in `images` in there, what it needs for itself in `scratch`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly identity: Identity;
  /** Of all files that go between the nodes; a file of a store must have been cut like that. */
  readonly chunkSizeBytes: number;
  /** Bytes that cached files may take; without it, what the disk has. */
  readonly maxBytes?: number;
  /** Bounds what is given to others; without it, the link does. */
  readonly upload?: RateLimit;
  /** Other limits than `PULL_LIMITS`. */
  readonly pullLimits?: Partial<PullLimits>;
  /** Whether a machine here needs the file: it stays, then. */
  isInUse(digest: string): boolean;
  onNotice(text: string): void;
}

/** What a host has of the files that machines start from; others may get them from here. */
export interface ImageCache {
  /** Where files are served to other nodes. */
  readonly port: number;
  /** The calls of host-calls.ts, as they are documented there. @throws KgetError */
  serveStored(stored: StoredFile): Promise<void>;
  serveFile(path: string, signal: AbortSignal): Promise<DeployedFile>;
  present(files: readonly DeployedFile[]): Promise<string[]>;
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResult>;
  progress(): { digest: string; doneBytes: number }[];
  /** Where a file lies that is present, or was fetched. */
  pathOf(digest: string): string;
  /** Ends fetches, and gives nothing any more. Idempotent. */
  close(): Promise<void>;
}

/** @throws KgetError `target-unwritable`, `unreachable` */
export async function openImageCache(options: ImageCacheOptions): Promise<ImageCache> {
  const { directory, clock, identity, chunkSizeBytes, onNotice } = options;
  const images = cachedFiles(makePrivate(directory, ['images']));
  const scratch = makePrivate(directory, ['scratch', String(process.pid)]);
  const files = createOpenFiles();
  const seeds = createSeedTable(files);
  const shelf = createShelf(clock);
  const closing = new AbortController();
  const whole = createWholeFiles({ images, shelf, files, chunkSizeBytes });
  const sources = createSources({ shelf, scratch, files, chunkSizeBytes });
  for (const digest of images.digests()) {
    const problem = await addSeedFile(seeds, images.pathOf(digest));
    if (problem !== undefined) onNotice(problem.message);
  }

  async function find(digest: string, signal: AbortSignal): Promise<ServedImage | undefined> {
    if (!isDigest(digest)) return undefined;
    await whole.offer(digest);
    return shelf.expect(digest, signal);
  }

  const server = await serve({
    identity,
    find: (digest, signal) => shelf.get(digest) ?? find(digest, signal),
    upload: options.upload ?? unlimited,
    onNotice,
  });
  const fetches = createFetches({
    ...options,
    images,
    scratch,
    files,
    seeds,
    shelf,
    whole,
    signal: closing.signal,
  });

  async function present(wanted: readonly DeployedFile[]): Promise<string[]> {
    const found: string[] = [];
    for (const { digest } of wanted) if (await whole.offer(digest)) found.push(digest);
    return found;
  }

  return {
    port: server.port,
    serveStored: sources.serveStored,
    serveFile: (path, signal) => sources.serveFile(path, AbortSignal.any([signal, closing.signal])),
    present,
    fetch: fetches.fetch,
    progress: fetches.progress,
    pathOf: images.pathOf,
    async close() {
      closing.abort();
      await fetches.ended();
      await server.close();
      whole.close();
      sources.close();
      files.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
