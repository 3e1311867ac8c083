import { DIGEST_BYTES } from '../content/image.ts';
import type { ChunkName } from '../store/chunk-reader.ts';
import type { ChunkTable } from '../store/chunk-table.ts';
import { RECORD_BYTES } from '../store/table-record.ts';
import type { Sample } from './sample.ts';
import type { WantedChunks } from './wanted-chunks.ts';

export interface ChunkChoice {
  readonly table: ChunkTable;
  readonly wanted: WantedChunks;
  readonly sample: Sample;
}

/**
 * The chunks that are to be read: those of the table in the order of their digests, in which they
 * lie in directories; of these a sample. Those that the table does not have come all.
 */
export async function* chosenChunks({
  table,
  wanted,
  sample,
}: ChunkChoice): AsyncGenerator<ChunkName, void, void> {
  for await (const records of table.records()) {
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      const digest = records.subarray(at, at + DIGEST_BYTES);
      const chunk = sample(digest) ? wanted.find(digest) : undefined;
      if (chunk !== undefined) yield chunk;
    }
  }
  yield* wanted.strays.values();
}

/** Calls `work` for each item, for at most `atOnce` at the same time; ends early if aborted. */
export async function eachAtOnce<T>(
  items: AsyncIterable<T> | Iterable<T>,
  options: { readonly atOnce: number; readonly signal: AbortSignal },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  try {
    for await (const item of items) {
      if (options.signal.aborted) break;
      const one = work(item).finally(() => running.delete(one));
      running.add(one);
      if (running.size >= options.atOnce) await Promise.race(running);
    }
    await Promise.all(running);
  } finally {
    await Promise.allSettled(running);
  }
}
