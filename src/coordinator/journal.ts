import * as z from 'zod/mini';

/**
 * What must outlive the coordinator: which copies are durable where, and which nodes were released.
 * One JSON object a line, in `DIR/.kgetplus/journal.jsonl`. A run that came to its end, and of which
 * nothing is left to look for, closes with `end`: see ending.ts.
 */
export const journalRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    run: z.string(),
    startedAt: z.string(),
    patterns: z.optional(z.array(z.string())),
    /** Without one it is `files`. */
    layout: z.optional(z.enum(['files', 'store'])),
  }),
  /**
   * Its own node has named it (again): copies from before do not count, the image may be another.
   */
  z.object({
    type: z.literal('image'),
    image: z.string(),
    node: z.string(),
    path: z.string(),
    sizeBytes: z.int(),
  }),
  /** `at` is a node's name, or null for the frontend. */
  z.object({ type: z.literal('copy'), image: z.string(), at: z.nullable(z.string()) }),
  z.object({ type: z.literal('released'), node: z.string() }),
  z.object({ type: z.literal('end') }),
]);

export type JournalRecord = z.infer<typeof journalRecord>;

/**
 * Where records go; `append` returns when all that the run acts on is durable.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export interface Journal {
  append(record: JournalRecord): void;
  close(): void;
}

/** What an unfinished run into the same directory left behind. */
export interface Resumption {
  readonly run: string;
  /** The paths that it gathers, if it said so. */
  readonly patterns?: readonly string[] | undefined;
  /** How it lays images down, if it said so. */
  readonly layout?: 'files' | 'store';
  readonly released: ReadonlySet<string>;
  readonly images: ReadonlyMap<string, ResumedImage>;
}

interface ResumedImage {
  readonly node: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly safe: boolean;
  /** Nodes other than its own on which a copy was durable. */
  readonly copies: readonly string[];
}

/**
 * Folds the records of a journal; undefined when the last run in it has ended, or there is none.
 */
export function foldJournal(records: readonly JournalRecord[]): Resumption | undefined {
  let run: string | undefined;
  let patterns: readonly string[] | undefined;
  let layout: 'files' | 'store' = 'files';
  const released = new Set<string>();
  const images = new Map<string, ResumedImage>();
  for (const record of records) {
    switch (record.type) {
      case 'run':
        ({ run, patterns, layout = 'files' } = record);
        break;
      case 'image':
        images.set(record.image, { ...record, safe: false, copies: [] });
        break;
      case 'copy': {
        const image = images.get(record.image);
        if (image !== undefined) images.set(record.image, withCopy(image, record.at));
        break;
      }
      case 'released':
        released.add(record.node);
        break;
      case 'end':
        run = undefined;
        released.clear();
        images.clear();
        break;
    }
  }
  return run === undefined ? undefined : { run, patterns, layout, released, images };
}

function withCopy(image: ResumedImage, at: string | null): ResumedImage {
  if (at === null) return { ...image, safe: true };
  return { ...image, copies: [...image.copies, at] };
}
