import type { Clock } from '../../base/clock.ts';
import { KgetError, toFailure, type ErrorCode } from '../../base/error.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import type { SeedTable } from '../../content/seed-table.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { PullLimits } from '../../transfer/limits.ts';
import type { Identity, PullOptions } from '../../transfer/transfer.ts';
import type { CachedFiles } from './cached-files.ts';
import { comingFiles, titleOf, type ComingFile } from './coming.ts';
import { fetchFile } from './fetch-file.ts';
import { takeFile } from './file-lock.ts';
import { restingReads } from './resting-reads.ts';
import type { Shelf } from './shelf.ts';
import type { WholeFiles } from './whole-files.ts';

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

const WAS_PRESENT: FetchResult = { wireBytes: 0, chunks: 0, wasPresent: true };

export interface FetchesOptions {
  readonly images: CachedFiles;
  readonly scratch: string;
  readonly files: OpenFiles;
  readonly seeds: SeedTable;
  readonly shelf: Shelf;
  readonly whole: WholeFiles;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly chunkSizeBytes: number;
  readonly maxBytes?: number;
  readonly pullLimits?: Partial<PullLimits>;
  /** Ends all fetches. */
  readonly signal: AbortSignal;
  isInUse(digest: string): boolean;
}

/** What comes into the cache of a host. */
export interface Fetches {
  /** One file is fetched once at a time: further calls wait. @throws KgetError */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResult>;
  progress(): { digest: string; doneBytes: number }[];
  /** Resolves when no fetch runs; soon, once the signal was aborted. */
  ended(): Promise<void>;
}

export function createFetches(options: FetchesOptions): Fetches {
  const { whole } = options;
  const coming = comingFiles(options);
  const turns = new Map<string, Promise<unknown>>();

  async function fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResult> {
    const { digest } = request.file;
    if (await whole.offer(digest)) return WAS_PRESENT;
    const one = coming.begin(request.file);
    try {
      const expected = coming.all().filter(([, { isHere }]) => !isHere);
      const expectedBytes = expected.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0);
      const result = await bring(request, { ...options, one, expectedBytes, signal });
      one.relay.finished();
      one.isHere = true;
      whole.add(digest);
      return result;
    } catch (error) {
      const { code, message } = toFailure(error);
      const failure = new KgetError('source-unreadable', message);
      if (!signal.aborted && CURABLE.has(code)) void coming.linger(digest, failure);
      else coming.giveUp(digest, failure);
      throw error;
    }
  }

  return {
    fetch({ file, from }, signal) {
      const either = AbortSignal.any([signal, options.signal]);
      const earlier = turns.get(file.digest) ?? Promise.resolve();
      const turn = earlier.then(() => fetch({ file, from }, either));
      const settled = turn.catch(() => undefined);
      turns.set(file.digest, settled);
      return turn;
    },
    progress: () =>
      coming.all().map(([digest, { isHere, sizeBytes, landing }]) => ({
        digest,
        doneBytes: isHere ? sizeBytes : (landing?.doneBytes() ?? 0),
      })),
    async ended() {
      await Promise.all(turns.values());
      for (const [digest] of coming.all()) {
        const stopped = `Stopped to wait for ${titleOf(digest)} on request`;
        coming.giveUp(digest, new KgetError('cancelled', stopped));
      }
    },
  };
}

interface Work extends FetchesOptions {
  readonly one: ComingFile;
  /** What all files will take that are on their way here. */
  readonly expectedBytes: number;
}

/** Gets the file in, unless another host agent has done so. */
async function bring({ file, from }: FetchRequest, work: Work): Promise<FetchResult> {
  const { images, clock, signal, one, chunkSizeBytes, pullLimits } = work;
  const { digest, sizeBytes } = file;
  const path = images.pathOf(digest);
  using _lock = await takeFile(path, { clock, signal });
  const index = await images.openWhole(digest);
  index?.close();
  if (index !== undefined) return WAS_PRESENT;
  makeRoom(work);
  const { wireBytes, chunks } = await fetchFile({
    digest,
    shape: { sizeBytes, chunkSizeBytes },
    path,
    title: titleOf(digest),
    relay: one.relay,
    seeds: work.seeds,
    identity: work.identity,
    from,
    download: restingReads(clock),
    signal,
    ...(pullLimits !== undefined && { limits: pullLimits }),
    onLanding: (landing) => {
      one.landing = landing;
    },
  });
  return { wireBytes, chunks, wasPresent: false };
}

/** Makes room within the bound of the cache; what is in use, or was asked for, stays. */
function makeRoom({ images, seeds, whole, maxBytes, expectedBytes, isInUse }: Work): void {
  if (maxBytes === undefined) return;
  const removed = images.makeRoom(expectedBytes, {
    maxBytes,
    isInUse: (digest) => whole.has(digest) || isInUse(digest),
  });
  for (const digest of removed) seeds.forgetFile(images.pathOf(digest));
}
