import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { KgetError, toFailure, type ErrorCode } from '../../base/error.ts';
import type { ImageLanding } from '../../content/landing.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import type { SeedTable } from '../../content/seed-table.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { PullLimits } from '../../transfer/limits.ts';
import type { Identity, PullOptions } from '../../transfer/transfer.ts';
import type { CachedFiles } from './cached-files.ts';
import { fetchFile } from './fetch-file.ts';
import { takeFile } from './file-lock.ts';
import { openRelay, type Relay } from './relay.ts';
import { restingReads } from './resting-reads.ts';
import type { Shelf } from './shelf.ts';

/** How long others wait for a file whose fetch has failed, until another fetch goes on with it. */
const RELAY_LINGER_MS = 60_000;

/** Failures after which another node may still bring the file. */
const CURABLE = new Set<ErrorCode>([
  'unreachable',
  'disconnected',
  'timeout',
  'source-unreadable',
  'source-changed',
]);

export interface FetchRequest {
  readonly file: DeployedFile;
  readonly from: PullOptions['from'];
}

export interface FetchResult {
  readonly wireBytes: number;
  readonly chunks: number;
  readonly wasPresent: boolean;
}

export interface FetchesOptions {
  readonly images: CachedFiles;
  readonly scratch: string;
  readonly files: OpenFiles;
  readonly seeds: SeedTable;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly chunkSizeBytes: number;
  readonly maxBytes?: number;
  readonly pullLimits?: Partial<PullLimits>;
  /** Ends all fetches. */
  readonly signal: AbortSignal;
  isPresent(digest: string): Promise<boolean>;
  isKept(digest: string): boolean;
  onArrived(digest: string): void;
}

/** What comes into the cache of a host. */
export interface Fetches {
  /** One file is fetched once at a time: further calls wait. @throws KgetError */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResult>;
  progress(): { digest: string; doneBytes: number }[];
  /** Resolves when no fetch runs; soon, once the signal was aborted. */
  ended(): Promise<void>;
}

/** A file that comes, or came. */
interface Coming {
  readonly relay: Relay;
  readonly sizeBytes: number;
  landing?: Pick<ImageLanding, 'doneBytes'>;
  isHere: boolean;
  /** Ends the time in which another fetch may go on with it. */
  linger?: AbortController;
}

export function createFetches(options: FetchesOptions): Fetches {
  const { images, scratch, files, shelf, clock, chunkSizeBytes } = options;
  const coming = new Map<string, Coming>();
  const turns = new Map<string, Promise<unknown>>();

  function comingOf({ digest, sizeBytes }: DeployedFile): Coming {
    const known = coming.get(digest);
    // One that was here, and is not any more, was removed by somebody.
    if (known?.isHere === false) {
      known.linger?.abort();
      return known;
    }
    const relay = openRelay({
      path: images.pathOf(digest),
      shape: { sizeBytes, chunkSizeBytes },
      title: titleOf(digest),
      scratchPath: join(scratch, digest),
      files,
    });
    const fresh: Coming = { relay, sizeBytes, isHere: false };
    coming.set(digest, fresh);
    shelf.put(digest, relay.image);
    return fresh;
  }

  async function fetch({ file, from }: FetchRequest, signal: AbortSignal): Promise<FetchResult> {
    const { digest } = file;
    if (await options.isPresent(digest)) return { wireBytes: 0, chunks: 0, wasPresent: true };
    const one = comingOf(file);
    try {
      const result = await bring(file, { from, one, signal });
      one.relay.finished();
      one.isHere = true;
      options.onArrived(digest);
      return result;
    } catch (error) {
      const { code, message } = toFailure(error);
      const failure = new KgetError('source-unreadable', message);
      if (signal.aborted || !CURABLE.has(code)) dismiss(digest, one, failure);
      else void lingerOn(digest, one, failure);
      throw error;
    }
  }

  async function bring(
    file: DeployedFile,
    terms: {
      readonly from: PullOptions['from'];
      readonly one: Coming;
      readonly signal: AbortSignal;
    },
  ): Promise<FetchResult> {
    const { digest, sizeBytes } = file;
    const { from, one, signal } = terms;
    const path = images.pathOf(digest);
    using _lock = await takeFile(path, { clock, signal });
    // Another host agent may have brought it while we waited.
    const index = await images.openWhole(digest);
    index?.close();
    if (index !== undefined) return { wireBytes: 0, chunks: 0, wasPresent: true };
    makeRoom(sizeBytes);
    const { wireBytes, chunks } = await fetchFile({
      digest,
      shape: { sizeBytes, chunkSizeBytes },
      path,
      title: titleOf(digest),
      relay: one.relay,
      seeds: options.seeds,
      identity: options.identity,
      from,
      download: restingReads(clock),
      signal,
      ...(options.pullLimits !== undefined && { limits: options.pullLimits }),
      onLanding: (landing) => {
        one.landing = landing;
      },
    });
    return { wireBytes, chunks, wasPresent: false };
  }

  function makeRoom(neededBytes: number): void {
    const { maxBytes } = options;
    if (maxBytes === undefined) return;
    const others = [...coming.values()].filter(({ isHere }) => !isHere);
    const expected = others.reduce((sum, one) => sum + one.sizeBytes, 0);
    const isInUse = (digest: string): boolean => options.isKept(digest);
    const removed = images.makeRoom(Math.max(neededBytes, expected), { maxBytes, isInUse });
    for (const digest of removed) options.seeds.forgetFile(images.pathOf(digest));
  }

  /** Those who get the file from here may go on with the next fetch, if one comes in time. */
  async function lingerOn(digest: string, one: Coming, failure: KgetError): Promise<void> {
    one.linger = new AbortController();
    const { signal } = one.linger;
    await clock.sleep(RELAY_LINGER_MS, AbortSignal.any([signal, options.signal]));
    if (!signal.aborted) dismiss(digest, one, failure);
  }

  function dismiss(digest: string, one: Coming, failure: KgetError): void {
    if (coming.get(digest) === one) coming.delete(digest);
    shelf.take(digest, one.relay.image);
    one.relay.fail(failure);
  }

  async function inTurn(request: FetchRequest, signal: AbortSignal): Promise<FetchResult> {
    const { digest } = request.file;
    const earlier = turns.get(digest) ?? Promise.resolve();
    const either = AbortSignal.any([signal, options.signal]);
    const turn = earlier.then(() => fetch(request, either));
    const settled = turn.catch(() => undefined);
    turns.set(digest, settled);
    return turn;
  }

  return {
    fetch: inTurn,
    progress: () =>
      [...coming].map(([digest, one]) => ({
        digest,
        doneBytes: one.isHere ? one.sizeBytes : (one.landing?.doneBytes() ?? 0),
      })),
    async ended() {
      await Promise.all(turns.values());
      for (const [digest, one] of coming) {
        if (one.isHere) continue;
        dismiss(digest, one, new KgetError('cancelled', `Stopped ${titleOf(digest)} on request`));
      }
    },
  };
}

function titleOf(digest: string): string {
  return `file ${digest.slice(0, 12)}`;
}
