import { KgetError, toFailure } from '../base/error.ts';
import type { ChunkTable } from '../store/chunk-table.ts';
import { createOrdinalSet } from '../store/table-ordinals.ts';
import { digestsOf } from './index-digests.ts';
import type { IndexFile, IndexFiles } from './index-files.ts';

/** Files that one message names. */
const MAX_NAMED = 5;

/** Which chunks of a table are needed: two bits for each. */
export interface Marks {
  readonly table: ChunkTable;
  /** Whether any index names it; undefined if the table does not have it. */
  isReferenced(digest: Buffer): boolean | undefined;
  /** Whether an index that stays names it; undefined if the table does not have it. */
  isKept(digest: Buffer): boolean | undefined;
  add(digest: Buffer, isKept: boolean): void;
}

/** Nothing is marked yet. All throw KgetError `corrupt` if the table turns out to be damaged. */
export function createMarks(table: ChunkTable): Marks {
  const [referenced, kept] = [createOrdinalSet(table.ordinals), createOrdinalSet(table.ordinals)];
  const warnings = table.warnings.length;

  /** A table that gives up a part of itself tells other ordinals from then on: marks are lost. */
  function ordinalOf(digest: Buffer): number | undefined {
    const ordinal = table.find(digest)?.ordinal;
    if (table.warnings.length === warnings) return ordinal;
    const found = table.warnings.at(-1) ?? '';
    throw new KgetError(
      'corrupt',
      `Cannot tell which chunks are needed: ${found}; nothing more was set aside or swept: ` +
        'prune again, which makes the table anew',
    );
  }
  return {
    table,
    isReferenced(digest) {
      const ordinal = ordinalOf(digest);
      return ordinal === undefined ? undefined : referenced.has(ordinal);
    },
    isKept(digest) {
      const ordinal = ordinalOf(digest);
      return ordinal === undefined ? undefined : kept.has(ordinal);
    },
    add(digest, isKept) {
      const ordinal = ordinalOf(digest);
      if (ordinal === undefined) return;
      referenced.add(ordinal);
      if (isKept) kept.add(ordinal);
    },
  };
}

export interface MarkOptions {
  readonly indexes: IndexFiles;
  /** The index of a snapshot that is about to be forgotten. */
  readonly isForgotten: (path: string) => boolean;
  readonly marks: readonly Marks[];
  readonly signal: AbortSignal;
}

/**
 * Marks all chunks that any index names. @throws KgetError `corrupt` if one cannot be read: then
 * nobody knows what is needed; `cancelled`
 */
export async function markChunks(options: MarkOptions): Promise<void> {
  const { indexes, isForgotten, marks, signal } = options;
  const unreadable = [...indexes.hidden];
  for (const file of indexes.files) {
    const isKept = !isForgotten(file.path);
    try {
      await eachDigest(file, signal, (digest) => {
        for (const mark of marks) mark.add(digest, isKept);
      });
    } catch (error) {
      if (error instanceof KgetError && error.code === 'cancelled') throw error;
      unreadable.push(toFailure(error).message);
    }
  }
  if (unreadable.length > 0) throw refusal(unreadable);
}

/** Calls back for each chunk of an index; equal ones behind each other are one. */
export async function eachDigest(
  file: IndexFile,
  signal: AbortSignal,
  visit: (digest: Buffer) => void,
): Promise<void> {
  let last: Buffer | undefined;
  for await (const digests of digestsOf(file)) {
    if (signal.aborted) throw stopped();
    for (const digest of digests) {
      // Empty space is long runs of one chunk.
      if (last?.equals(digest) !== true) visit(digest);
      last = digest;
    }
  }
}

/** For whoever is stopped on request while pruning. */
export function stopped(): KgetError {
  return new KgetError(
    'cancelled',
    'Stopped on request: no chunk is lost that a snapshot needs; prune again to go on',
  );
}

function refusal(unreadable: readonly string[]): KgetError {
  const more = unreadable.length - MAX_NAMED;
  const named = unreadable.slice(0, MAX_NAMED).join('; ');
  return new KgetError(
    'corrupt',
    'Cannot tell which chunks are needed, so nothing was forgotten, set aside or swept: ' +
      `${named}${more > 0 ? `; and ${more} more` : ''}. Put a good copy of each index in its ` +
      'place, or remove it if its snapshot may go',
  );
}
