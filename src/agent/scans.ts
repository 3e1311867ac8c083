import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { toFailure } from '../base/error.ts';
import { growIndex } from '../content/growing-index.ts';
import type { ServedImage } from '../content/image.ts';
import type { OpenFiles } from '../content/open-files.ts';
import type { SeedTable } from '../content/seed-table.ts';
import type { AgentChannel } from '../control/channel.ts';
import { fileImage } from '../source/file-image.ts';
import { findImages } from '../source/find-images.ts';
import { scanImage } from '../source/scan.ts';
import { identify } from '../source/source-file.ts';

export interface ScanOptions {
  readonly channel: AgentChannel;
  readonly node: string;
  /** Where relative paths start. */
  readonly home: string;
  readonly chunkSizeBytes: number;
  /** Where indexes go while the run lasts; an agent without one has no images of its own. */
  readonly scratch: string | undefined;
  readonly files: OpenFiles;
  readonly seeds: SeedTable;
  /** Takes the images, by their id, as soon as they are known: their indexes grow. */
  readonly served: Map<string, ServedImage>;
  readonly signal: AbortSignal;
}

/** The agent's own images: found once, then scanned one after the other. */
export interface Scans {
  find(patterns: readonly string[]): void;
  /** Resolves when no scan runs; after the signal was aborted, soon. */
  ended(): Promise<void>;
}

export function createScans(options: ScanOptions): Scans {
  const { channel, node, home, chunkSizeBytes, scratch, files, seeds, served, signal } = options;
  let work = Promise.resolve();

  function begin(path: string): () => Promise<void> {
    assert(scratch !== undefined, 'only an agent of a node has images');
    const identity = identify(path);
    const name = createHash('sha256').update(path).digest('hex').slice(0, 32);
    const shape = { sizeBytes: identity.sizeBytes, chunkSizeBytes };
    const index = growIndex({ path: join(scratch, `${name}.caibx`), shape, files });
    served.set(`${node}:${path}`, fileImage({ identity, index, chunkSizeBytes, files }));
    return async () => {
      try {
        const { dataBytes, sketch } = await scanImage({ identity, index, seeds, signal });
        channel.send({ type: 'scanned', path, dataBytes, sketch });
      } finally {
        if (signal.aborted) index.close();
      }
    };
  }

  async function run(patterns: readonly string[]): Promise<void> {
    const { images, problems } = await findImages({ patterns, home });
    channel.send({ type: 'found', images: [...images], problems: [...problems] });
    const scans = images.map(({ path }) => ({ path, scan: attempt(path, () => begin(path)) }));
    for (const { path, scan } of scans) await attempt(path, async () => (await scan)?.());
  }

  /** The result of a step for one image; its failure is told, and does not stop the others. */
  async function attempt<T>(path: string, step: () => T): Promise<Awaited<T> | undefined> {
    try {
      return await step();
    } catch (error) {
      if (!signal.aborted) channel.send({ type: 'scan-failed', path, failure: toFailure(error) });
      return undefined;
    }
  }

  return {
    find(patterns) {
      work = run(patterns).catch((error: unknown) => {
        const failure = toFailure(error);
        const problems = patterns.map((pattern) => ({ pattern, failure }));
        channel.send({ type: 'found', images: [], problems });
      });
    },
    ended: () => work,
  };
}
