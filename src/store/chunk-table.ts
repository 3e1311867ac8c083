import { assert } from '../base/assert.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { pause } from '../content/pause.ts';
import { openSegments, unusable } from './table-directory.ts';
import { mergedRecords } from './table-merge.ts';
import type { TableSegment } from './table-segment.ts';

/** A record of the chunk table. */
export interface TableHit {
  /**
   * Which record: the same for the same digest as long as the table is open and `warnings` does not
   * grow. Then a segment has been given up, and its records are found elsewhere or not at all.
   */
  readonly ordinal: number;
  /** Bytes of the chunk's file when it was recorded. */
  readonly packedBytes: number;
}

/**
 * Which chunks a store has, as one moment's state of its table. A cache: the file system has the
 * last word on each of them. Each segment takes 4 KiB of memory, and 4 B for 128 records, but never
 * more than 256 KiB.
 */
export interface ChunkTable {
  /** Records in all segments: no fewer than there are digests. All ordinals are below it. */
  readonly ordinals: number;
  /** What cannot be used of the table, one text each; a segment may turn out so while in use. */
  readonly warnings: readonly string[];
  /** The record of a digest, if there is one: one or two reads of 4 KiB in each segment. */
  find(digest: Buffer): TableHit | undefined;
  /**
   * All records ascending by digest, each digest once, packed (`RECORD_BYTES` each), in batches of
   * up to 288 KiB that the caller may keep. Of several records of a digest any one is taken.
   */
  records(): AsyncGenerator<Buffer, void, void>;
  /** Closes all files. Idempotent. */
  close(): void;
}

interface NumberedSegment {
  readonly segment: TableSegment;
  /** The ordinal of its first record. */
  readonly first: number;
}

/**
 * Opens the table in `directory`; it is empty if there is none. Segments that cannot be used are
 * ignored with a warning. @throws Error the system's if the directory cannot be listed
 */
export async function openChunkTable(directory: string): Promise<ChunkTable> {
  const { segments, warnings } = openSegments(directory);
  const texts = [...warnings];
  let ordinals = 0;
  let usable: readonly NumberedSegment[] = segments.map((segment) => {
    const first = ordinals;
    ordinals += segment.count;
    return { segment, first };
  });
  let open = true;

  function giveUp(segment: TableSegment, error: unknown): void {
    texts.push(unusable(segment.path, error instanceof Error ? error.message : String(error)));
    usable = usable.filter((other) => other.segment !== segment);
  }
  return {
    ordinals,
    warnings: texts,
    find(digest) {
      assert(open, 'the table is closed');
      assert(digest.length === DIGEST_BYTES, `a digest of ${digest.length} B`);
      for (const { segment, first } of usable) {
        try {
          const hit = segment.find(digest);
          if (hit === undefined) continue;
          return { ordinal: first + hit.position, packedBytes: hit.packedBytes };
        } catch (error) {
          giveUp(segment, error);
        }
      }
      return undefined;
    },
    async *records() {
      const merged = mergedRecords(
        usable.map(({ segment }) => segment),
        giveUp,
      );
      assert(open, 'the table is closed');
      for (const batch of merged) {
        yield batch;
        await pause();
        assert(open, 'the table was closed while it was read');
      }
    },
    close() {
      open = false;
      for (const segment of segments) segment.close();
    },
  };
}
