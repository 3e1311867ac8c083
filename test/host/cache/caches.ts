/** Caches of several nodes in one process, for tests: they speak over real sockets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type ImageCache,
  type ImageCacheOptions,
  openImageCache,
} from '../../../src/host/cache/image-cache.ts';
import { createAuthority } from '../../../src/transfer/identity.ts';
import { realClock } from '../../transfer/real-clock.ts';

export const CHUNK = 16 * 1024;

export interface TestCaches {
  readonly directory: string;
  open(node: string, options?: Partial<ImageCacheOptions>): Promise<ImageCache>;
  /** A file with these bytes. */
  write(name: string, bytes: Buffer): string;
  notices: string[];
}

const authority = await createAuthority(new Date());

/** Nothing but a directory yet; all is gone after the test. */
export function testCaches(t: TestContext): TestCaches {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-caches-'));
  const caches: ImageCache[] = [];
  const notices: string[] = [];
  t.after(async () => {
    await Promise.all(caches.map((cache) => cache.close()));
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    directory,
    notices,
    async open(node, options = {}) {
      const cache = await openImageCache({
        directory: join(directory, node),
        clock: realClock,
        identity: await authority.issue(node),
        chunkSizeBytes: CHUNK,
        isInUse: () => false,
        onNotice: (text) => notices.push(text),
        ...options,
      });
      caches.push(cache);
      return cache;
    },
    write(name, bytes) {
      writeFileSync(join(directory, name), bytes);
      return join(directory, name);
    },
  };
}

/** How another cache names this one. */
export function peerOf(
  node: string,
  { port }: ImageCache,
): { node: string; host: string; port: number } {
  return { node, host: '127.0.0.1', port };
}

export const never = new AbortController().signal;

/** Waits until something is so; that it will be is for the test to know. */
export async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error('it did not happen within 20 s');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
