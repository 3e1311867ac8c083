import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toFailure } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { makeDirectory } from '../content/durable.ts';
import { plainBytesOf } from '../content/zstd-frame.ts';
import { type ChunkTable, openChunkTable } from './chunk-table.ts';
import type { Lease } from './lease.ts';
import { holdsPlainBytes } from './plain-length.ts';
import { leftChunks } from './staging.ts';
import type { StorePlace } from './store-place.ts';
import { syncTogether } from './sync-file-system.ts';
import { addToTable } from './table-add.ts';
import { createAdditions, MAX_ADDITIONS } from './table-additions.ts';
import { rebuildTable } from './table-rebuild.ts';
import { restoreFromTrash } from './trash.ts';

/** Packed bytes that are staged before they are made durable together, ... */
const COMMITTED_BYTES = 64 * 1024 * 1024;
/** ... and that may be staged before whoever brings more has to wait. */
const MAX_STAGED_BYTES = 256 * 1024 * 1024;

/** Packed bytes in memory that are on their way to their files, likewise. */
const MAX_UNWRITTEN_BYTES = 32 * 1024 * 1024;

/** Chunks that get their names at the same time. */
const NAMED_AT_ONCE = 16;

/**
 * Puts chunks into a store. What has been put is a chunk of the store only after `commit`: complete,
 * durable, under its final name. A port of the store for whoever brings images.
 */
export interface ChunkWriter {
  /**
   * Whether the store has the chunk, or will have it by the next `commit`; if `lengthBytes` is
   * given, whether its plain bytes are so many: who names a digest may lie about how long its chunk
   * is. Of what it says the file system is asked; a chunk that was set aside is brought back.
   */
  has(digest: Buffer, lengthBytes?: number): boolean;
  /**
   * Stages a chunk: a zstd frame whose plain bytes were verified. `packed` may be reused
   * afterwards. Chunks that the store has already are put all the same. @throws Error the system's
   */
  put(digest: Buffer, packed: Uint8Array): void;
  /** Resolves when more may be put: not too much is staged. @throws Error as `commit` */
  ready(): Promise<void>;
  /**
   * Makes all that was put before, or that the store had, durable under its final name.
   * @throws Error the system's
   */
  commit(): Promise<void>;
  /** Ends without `commit`; what is staged and complete is taken over by the next writer. */
  close(): Promise<void>;
}

interface Staged {
  readonly digest: Buffer;
  readonly path: string;
  readonly packedBytes: number;
  /** As its frame says; undefined if it does not. */
  readonly plainBytes: number | undefined;
  /** Resolves when it is in its file. */
  readonly written: Promise<void>;
}

/**
 * Opens a store for writing; its directories are made. What dead writers have left is taken over.
 * @throws Error the system's
 */
export async function openChunkWriter(place: StorePlace, lease: Lease): Promise<ChunkWriter> {
  const directory = join(place.staging, lease.name);
  for (const made of [place.chunks, place.snapshots, directory]) await makeDirectory(made);
  let table = await openWholeTable(place);
  let additions = createAdditions();
  /** By digest: what is staged, and what is being committed. */
  let staged = new Map<string, Staged>();
  let committing = new Map<string, Staged>();
  /**
   * Directories of chunks that were there when the writer was asked for them, at most 65,536: who
   * named them may have been stopped, or not be done yet, before their names were synced.
   */
  let found = new Set<string>();
  let stagedBytes = 0;
  let unwrittenBytes = 0;
  let running: Promise<void> = Promise.resolve();
  let isCommitting = false;
  let failure: unknown;

  function stage(chunk: Staged): void {
    staged.set(chunk.digest.toString('hex'), chunk);
    stagedBytes += chunk.packedBytes;
  }
  function pendingChunk(digest: Buffer): Staged | undefined {
    const key = digest.toString('hex');
    return staged.get(key) ?? committing.get(key);
  }
  function isThere(digest: Buffer, lengthBytes: number | undefined): boolean {
    const file = chunkFileOf(place.chunks, digest);
    const isFound =
      lengthBytes === undefined
        ? statSync(file, { throwIfNoEntry: false }) !== undefined
        : holdsPlainBytes(file, digest, lengthBytes);
    if (isFound) found.add(dirname(file));
    return isFound;
  }
  async function commitStaged(): Promise<void> {
    const foundBefore = found;
    found = new Set();
    committing = staged;
    staged = new Map();
    stagedBytes = 0;
    const chunks = [...committing.values()];
    await Promise.all(chunks.map(({ written }) => written));
    await syncTogether(
      directory,
      chunks.map(({ path }) => path),
    );
    // Told first: the file system is asked for what the table knows, and for nothing else.
    if (chunks.length > 0) await addToTable(place.table, recordsOf(chunks));
    const directories = await giveNames(place, chunks);
    const changed = new Set([...directories, ...foundBefore, place.chunks]);
    await syncTogether(place.chunks, [...changed]);
    committing = new Map();
    if (additions.count + chunks.length > MAX_ADDITIONS) await reopenTable();
    else for (const { digest, packedBytes } of chunks) additions.add(digest, packedBytes);
  }
  async function reopenTable(): Promise<void> {
    table.close();
    table = await openChunkTable(place.table);
    additions = createAdditions();
  }
  /** One commit after the other; after one has failed, all fail. */
  function startCommit(): Promise<void> {
    isCommitting = true;
    running = running
      .then(() => (staged.size + found.size === 0 ? undefined : commitStaged()))
      .finally(() => {
        isCommitting = false;
      });
    running.catch((error: unknown) => {
      failure ??= error;
    });
    return running;
  }

  function put(digest: Buffer, packed: Uint8Array): void {
    if (pendingChunk(digest) !== undefined) return;
    const path = join(directory, basename(chunkFileOf(place.chunks, digest)));
    unwrittenBytes += packed.length;
    const written = writeFile(path, Buffer.from(packed), { mode: 0o600 }).finally(() => {
      unwrittenBytes -= packed.length;
    });
    // It is told by the commit.
    written.catch(() => {});
    stage({
      digest: Buffer.from(digest),
      path,
      packedBytes: packed.length,
      plainBytes: plainBytesOf(packed),
      written,
    });
    if (stagedBytes >= COMMITTED_BYTES && !isCommitting) void startCommit().catch(() => {});
  }
  async function ready(): Promise<void> {
    if (stagedBytes >= MAX_STAGED_BYTES) await startCommit();
    if (unwrittenBytes >= MAX_UNWRITTEN_BYTES) {
      await Promise.all([...staged.values()].map(({ written }) => written));
    }
    if (failure !== undefined) throw failure;
  }

  for (const { digest, packed } of leftChunks(place)) {
    put(digest, packed);
    await ready();
  }
  await startCommit();
  return {
    has(digest, lengthBytes) {
      const pending = pendingChunk(digest);
      if (pending !== undefined) {
        return lengthBytes === undefined || pending.plainBytes === lengthBytes;
      }
      const isKnown = additions.find(digest) !== undefined || table.find(digest) !== undefined;
      if (isKnown && isThere(digest, lengthBytes)) return true;
      if (restoreFromTrash(place, digest)) {
        // Whoever set it aside has made the table forget it.
        if (additions.count < MAX_ADDITIONS) additions.add(digest, 0);
        return isThere(digest, lengthBytes);
      }
      // Somebody else may have brought it back between the two looks.
      return isKnown && isThere(digest, lengthBytes);
    },
    put,
    ready,
    commit: startCommit,
    async close() {
      await Promise.allSettled([running, ...[...staged.values()].map(({ written }) => written)]);
      table.close();
      if (staged.size === 0) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The table of the chunks that there are; one that was lost, or is damaged, is made anew. */
async function openWholeTable(place: StorePlace): Promise<ChunkTable> {
  const table = await openChunkTable(place.table);
  const isLost = table.ordinals === 0 && readdirSync(place.chunks).length > 0;
  if (!isLost && table.warnings.length === 0) return table;
  try {
    await rebuildTable({ root: place.chunks, directory: place.table });
  } catch (error) {
    // Somebody else is at it: what is not known meanwhile is fetched.
    if (toFailure(error).code !== 'locked') throw error;
  }
  table.close();
  return openChunkTable(place.table);
}

function recordsOf(chunks: readonly Staged[]): readonly Buffer[] {
  const records = createAdditions();
  for (const { digest, packedBytes } of chunks) records.add(digest, packedBytes);
  return records.packed();
}

/** Gives chunks their final names; the directories whose entries have changed. */
async function giveNames(place: StorePlace, chunks: readonly Staged[]): Promise<Set<string>> {
  const made = new Map<string, Promise<unknown>>();
  async function giveName({ digest, path }: Staged): Promise<void> {
    const file = chunkFileOf(place.chunks, digest);
    const directory = dirname(file);
    const making = made.get(directory) ?? mkdir(directory, { recursive: true });
    made.set(directory, making);
    await making;
    await rename(path, file);
  }
  for (let first = 0; first < chunks.length; first += NAMED_AT_ONCE) {
    await Promise.all(chunks.slice(first, first + NAMED_AT_ONCE).map(giveName));
  }
  return new Set(made.keys());
}
