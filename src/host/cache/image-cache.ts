import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { ServedImage } from '../../content/image.ts';
import { openIndex, type StoredIndex } from '../../content/index-reader.ts';
import { createOpenFiles } from '../../content/open-files.ts';
import { makePrivate } from '../../content/private-directory.ts';
import { addSeedFile } from '../../content/seed-file.ts';
import { createSeedTable } from '../../content/seed-table.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import { fileImage } from '../../source/file-image.ts';
import { identify } from '../../source/source-file.ts';
import { unlimited } from '../../transfer/rate-limit.ts';
import { serve } from '../../transfer/serve.ts';
import type { PullLimits } from '../../transfer/limits.ts';
import type { Identity, RateLimit } from '../../transfer/transfer.ts';
import { cachedFiles, isDigest } from './cached-files.ts';
import { createFetches, type FetchRequest, type FetchResult } from './fetches.ts';
import { hashFile } from './hash-file.ts';
import { createShelf } from './shelf.ts';
import { storedImage } from './stored-image.ts';

/** Files of stores and of this host that are given to others at once. */
const MAX_SERVED_SOURCES = 256;

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
  serveStored(request: {
    readonly file: DeployedFile;
    readonly store: string;
    readonly indexPath: string;
  }): Promise<void>;
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
  const indexes = new Set<StoredIndex>();
  const sources = new Map<string, ServedImage>();
  /** Files of the cache that somebody has asked for since it was opened: they stay. */
  const cached = new Set<string>();
  let hashed = 0;
  for (const digest of images.digests()) {
    const problem = await addSeedFile(seeds, images.pathOf(digest));
    if (problem !== undefined) onNotice(problem.message);
  }

  /** Gives a file of the cache to others, if it is here whole. */
  async function serveCached(digest: string): Promise<boolean> {
    if (cached.has(digest) && existsSync(images.pathOf(digest))) return true;
    cached.delete(digest);
    const index = await images.openWhole(digest);
    if (index === undefined) return false;
    if (index.shape.chunkSizeBytes !== chunkSizeBytes || cached.has(digest)) {
      index.close();
      return cached.has(digest);
    }
    const identityOfFile = identify(images.pathOf(digest));
    indexes.add(index);
    cached.add(digest);
    images.touch(digest);
    // Who fetches it from here while it comes goes on with what it has.
    shelf.put(digest, fileImage({ identity: identityOfFile, index, chunkSizeBytes, files }));
    return true;
  }
  async function find(digest: string, signal: AbortSignal): Promise<ServedImage | undefined> {
    if (!isDigest(digest)) return undefined;
    if (shelf.get(digest) === undefined) await serveCached(digest);
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
    signal: closing.signal,
    isPresent: serveCached,
    isKept: (digest) => cached.has(digest) || options.isInUse(digest),
    onArrived: (digest) => cached.add(digest),
  });

  function offer(digest: string, image: ServedImage): void {
    assert(sources.size < MAX_SERVED_SOURCES || sources.has(digest), 'too many files are served');
    sources.set(digest, image);
    shelf.put(digest, image);
  }

  return {
    port: server.port,
    async serveStored({ file, store, indexPath }) {
      if (sources.has(file.digest)) return;
      const index = await openIndex(indexPath);
      const found = index.shape.chunkSizeBytes;
      if (found !== chunkSizeBytes || index.shape.sizeBytes !== file.sizeBytes) {
        index.close();
        throw unlike(indexPath, { found: index.shape, chunkSizeBytes, file });
      }
      indexes.add(index);
      offer(file.digest, storedImage({ index, store, indexPath }));
    },
    async serveFile(path, signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      const indexPath = join(scratch, `hashed-${hashed++}.caibx`);
      const source = { path, indexPath, chunkSizeBytes, files };
      const { digest, image } = await hashFile({ ...source, signal: either });
      offer(digest, image);
      return { digest, sizeBytes: image.shape.sizeBytes };
    },
    async present(wanted) {
      const found: string[] = [];
      for (const { digest } of wanted) {
        if (await serveCached(digest)) found.push(digest);
      }
      return found;
    },
    fetch: (request, signal) => fetches.fetch(request, signal),
    progress: () => fetches.progress(),
    pathOf: (digest) => images.pathOf(digest),
    async close() {
      closing.abort();
      await fetches.ended();
      await server.close();
      for (const index of indexes) index.close();
      indexes.clear();
      files.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function unlike(
  indexPath: string,
  facts: {
    readonly found: { readonly sizeBytes: number; readonly chunkSizeBytes: number };
    readonly chunkSizeBytes: number;
    readonly file: DeployedFile;
  },
): KgetError {
  const { found, chunkSizeBytes, file } = facts;
  return new KgetError(
    'usage',
    `Cannot serve ${indexPath}: found ${found.sizeBytes} B in chunks of ${found.chunkSizeBytes} B, ` +
      `wanted ${file.sizeBytes} B in chunks of ${chunkSizeBytes} B; deploy with its chunk size`,
  );
}
