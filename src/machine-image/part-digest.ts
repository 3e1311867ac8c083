import { openIndex } from '../content/index-reader.ts';
import { createSummarizer, type ImageSummary } from '../content/image-summary.ts';
import { pause } from '../content/pause.ts';

/** Digests that are read at a time: 128 KiB. */
const BATCH = 4096;

/** What an index says of its file. */
export interface IndexSummary extends ImageSummary {
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
}

/**
 * Sums up the index of a part: the digest is what the part has in `image.json` and on nodes.
 * @throws KgetError `source-unreadable`, `corrupt`
 */
export async function summariseIndex(path: string): Promise<IndexSummary> {
  const index = await openIndex(path);
  try {
    const summary = createSummarizer(index.shape);
    for (let first = 0; first < index.chunkCount; first += BATCH) {
      summary.append(index.read(first, Math.min(BATCH, index.chunkCount - first)));
      await pause();
    }
    return { ...index.shape, ...summary.finish() };
  } finally {
    index.close();
  }
}
