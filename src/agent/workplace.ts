import type { Clock } from '../base/clock.ts';
import type { ServedImage } from '../content/image.ts';
import { createOpenFiles } from '../content/open-files.ts';
import { freeBytes } from '../content/room.ts';
import { createSeedTable } from '../content/seed-table.ts';
import type { AgentOutlet } from '../control/channel.ts';
import type { AgentMessage, Configuration } from '../control/messages.ts';
import type { Hold } from './attach-point.ts';
import { openExchange, type Exchange } from './exchange.ts';
import { CLOSE_LIMIT_MS } from './limits.ts';
import { linkRate } from './link-rate.ts';
import type { Receives } from './receives.ts';
import { openPlace, type OpenPlace } from './open-place.ts';
import { createScans } from './scans.ts';

/**
 * What an agent has: its images, a spool or a target, and what it knows of them. It serves them,
 * and receives others, for one coordinator after the other.
 */
export interface Workplace {
  /**
   * Works for the coordinator at the other end of `channel` from now on. What was under way for the
   * one before is stopped, and what has arrived by then counts. @throws KgetError `unreachable`
   */
  workFor(channel: AgentOutlet, configuration: Configuration): Promise<Work>;
  /** Stops everything; what a spool holds stays unless it is told to be emptied. */
  close(options: { emptySpool: boolean }): Promise<void>;
}

/** What one coordinator can have an agent do. */
export interface Work {
  /** For the coordinator, when all is set up. */
  readonly summary: Omit<Extract<AgentMessage, { type: 'ready' }>, 'type'>;
  readonly receives: Receives;
  /** Finds the images that the patterns name, tells the coordinator, and begins to scan them. */
  find(patterns: readonly string[]): void;
  /** Removes an image from the spool. */
  drop(image: string): void;
}

export interface WorkplaceOptions {
  readonly clock: Clock;
  /** Where relative paths start. */
  readonly home: string;
  /** Where spools go unless the coordinator names a place. */
  readonly defaultSpool: string;
  /** The address at which ssh reached this host, if it did. */
  readonly address: string | null;
  readonly processId: number;
}

/**
 * Sets an agent up as it was configured first; `hold` keeps other agents out of its place.
 * @throws KgetError `target-unwritable`
 */
export async function openWorkplace(
  options: WorkplaceOptions,
  configuration: Configuration,
  hold: Hold,
): Promise<Workplace> {
  const { node, chunkSizeBytes } = configuration;
  const ending = new AbortController();
  const { signal } = ending;
  const files = createOpenFiles();
  const seeds = createSeedTable(files);
  const served = new Map<string, ServedImage>();
  const { defaultSpool } = options;
  const room = await openPlace({ configuration, defaultSpool, hold, files, seeds, served });
  const scratch = room.spool?.scratch;
  const { clock } = options;
  const scans = createScans({
    ...options,
    node,
    chunkSizeBytes,
    scratch,
    files,
    seeds,
    served,
    signal,
  });
  let exchange: Exchange | undefined;
  let hasWorked = false;
  /** One coordinator's turn comes after that of the one before. */
  let turn: Promise<unknown> = Promise.resolve();

  async function begin(channel: AgentOutlet, terms: Configuration): Promise<Work> {
    await exchange?.close();
    exchange = undefined;
    const { images: spooled = [], warnings = [] } = (await room.shelf?.takeInAll()) ?? {};
    exchange = await openExchange({
      channel,
      clock,
      configuration: terms,
      place: room.place,
      find: (image) => served.get(image),
      async onReceived(image) {
        await room.place.record(image);
        await room.shelf?.takeIn(image);
      },
    });
    const again = `still here from before, goes on as process ${options.processId}`;
    warnings.unshift(...(hasWorked ? [again] : room.warnings));
    hasWorked = true;
    return {
      summary: { ...look(room, options), port: exchange.port, spooled, warnings },
      receives: exchange.receives,
      find: (patterns) => scans.find(patterns, channel),
      drop: (image) => (room.shelf ?? room.place).drop(image),
    };
  }

  async function stop(): Promise<void> {
    await turn;
    await Promise.all([exchange?.close(), scans.ended()]);
  }

  return {
    workFor(channel, terms) {
      const work = turn.then(() => begin(channel, terms));
      turn = work.catch(() => {});
      return work;
    },
    async close({ emptySpool }) {
      ending.abort();
      // What hangs, a disk say, ends with the process; the spool stays its own until then.
      if (!(await within(stop(), clock))) return;
      room.shelf?.close();
      files.close();
      if (emptySpool) room.place.empty();
      await room.place.close();
    },
  };
}

/** What an agent finds where it is. */
function look({ place, spool, seeded }: OpenPlace, { address }: WorkplaceOptions) {
  return {
    roomBytes: freeBytes(place.directory),
    // Where ssh reached the frontend, if it did, its user is, and no node.
    linkBytesPerSecond: linkRate(spool === undefined ? null : address),
    seeded: [...seeded],
  };
}

/** Whether something happens within `CLOSE_LIMIT_MS`. */
async function within(event: Promise<unknown>, clock: Clock): Promise<boolean> {
  const waiting = new AbortController();
  const late = clock.sleep(CLOSE_LIMIT_MS, waiting.signal).then(() => false);
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    waiting.abort();
  }
}
