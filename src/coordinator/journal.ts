import * as z from 'zod/mini';

/** What a transfer moved, and when: seconds since the run began. */
const transferFigures = z.object({
  from: z.string(),
  startSeconds: z.number(),
  endSeconds: z.number(),
  wireBytes: z.int(),
  chunks: z.int(),
});

/**
 * What must outlive the coordinator: how the run was asked for, which copies are durable where, which
 * nodes were released and given back; and the figures without which the report of a continued run
 * would not be that of the whole run. One record a line in `DIR/.kgetplus/journal.jsonl`: see
 * journal-lines.ts. A run that came to its end, and of which nothing is left to look for, closes with
 * `end`: see ending.ts. Fields that are optional are not in journals of older versions.
 */
export const journalRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    run: z.string(),
    /** ISO 8601, of this command; a run begins with the first one. */
    startedAt: z.string(),
    patterns: z.optional(z.array(z.string())),
    /** Without one it is `files`. */
    layout: z.optional(z.enum(['files', 'store'])),
    /** A node set that stands for exactly the nodes that the command names. */
    nodes: z.optional(z.string()),
    /** Its words, and where they were said: relative paths in them begin there. */
    command: z.optional(z.array(z.string())),
    workingDirectory: z.optional(z.string()),
    /** Of Kget+. */
    version: z.optional(z.string()),
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
  z.object({
    type: z.literal('copy'),
    image: z.string(),
    at: z.nullable(z.string()),
    /** SHA-256 over its digests, in chunks of this size. */
    digest: z.optional(z.string()),
    chunkSizeBytes: z.optional(z.int()),
    dataBytes: z.optional(z.int()),
    transfer: z.optional(transferFigures),
  }),
  /** A transfer that brought no copy, `to` a node, or null for the frontend. */
  z.object({
    type: z.literal('failed'),
    image: z.string(),
    to: z.nullable(z.string()),
    transfer: transferFigures,
  }),
  z.object({
    type: z.literal('released'),
    node: z.string(),
    seconds: z.optional(z.number()),
    readySeconds: z.optional(z.nullable(z.number())),
  }),
  /** The command of `--on-release` has succeeded for a node since its release. */
  z.object({ type: z.literal('given-back'), node: z.string() }),
  /** `incomplete`: an image is missing or a node was not released; `resume` may still go on. */
  z.object({
    type: z.literal('end'),
    seconds: z.optional(z.number()),
    incomplete: z.optional(z.boolean()),
  }),
]);

export type JournalRecord = z.infer<typeof journalRecord>;
export type EndRecord = Extract<JournalRecord, { type: 'end' }>;

/** Records that need not be durable before the run acts: what matters with later ones, or figures. */
export const UNSYNCED: ReadonlySet<JournalRecord['type']> = new Set(['image', 'failed']);

/**
 * Where records go; `append` returns when all that the run acts on is durable. When it throws, the
 * record is not part of the journal.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export interface Journal {
  append(record: JournalRecord): void;
  close(): void;
}

/** Of runs that change nothing. */
export const NO_JOURNAL: Journal = { append: () => {}, close: () => {} };
