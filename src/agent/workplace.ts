import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { ServedImage } from '../content/image.ts';
import { openIndex, type StoredIndex } from '../content/index-reader.ts';
import { createOpenFiles } from '../content/open-files.ts';
import { freeBytes } from '../content/room.ts';
import { indexPathOf } from '../content/seed-file.ts';
import { createSeedTable, type SeedTable } from '../content/seed-table.ts';
import type { AgentChannel } from '../control/channel.ts';
import type {
  AgentMessage,
  Configuration,
  ImageName,
  TargetConfiguration,
} from '../control/messages.ts';
import { fileImage } from '../source/file-image.ts';
import { identify } from '../source/source-file.ts';
import { rateLimit, unlimited } from '../transfer/rate-limit.ts';
import { serve } from '../transfer/serve.ts';
import type { RateLimit } from '../transfer/transfer.ts';
import { openFileTarget } from './file-target.ts';
import type { Target } from './image-place.ts';
import { linkRate } from './link-rate.ts';
import { createReceives, type Receives } from './receives.ts';
import { createScans } from './scans.ts';
import { openSpool } from './spool.ts';
import { openStoreTarget } from './store-target.ts';

/** An agent at work: it serves its images and those in its spool, and receives others. */
export interface Workplace {
  /** For the coordinator, when all is set up. */
  readonly summary: Omit<Extract<AgentMessage, { type: 'ready' }>, 'type'>;
  readonly receives: Receives;
  /** Finds the images that the patterns name, tells the coordinator, and begins to scan them. */
  find(patterns: readonly string[]): void;
  /** Removes an image from the spool. */
  drop(image: string): void;
  /** Stops everything; what a spool holds stays unless it is told to be emptied. */
  close(options: { emptySpool: boolean }): Promise<void>;
}

export interface WorkplaceOptions {
  readonly channel: AgentChannel;
  readonly clock: Clock;
  /** Where relative paths start. */
  readonly home: string;
  /** Where spools go unless the coordinator names a place. */
  readonly defaultSpool: string;
  /** The address at which ssh reached this host, if it did. */
  readonly address: string | null;
}

/** Sets an agent up as it was configured. @throws KgetError `target-unwritable`, `unreachable` */
export async function openWorkplace(
  { channel, clock, home, defaultSpool, address }: WorkplaceOptions,
  configuration: Configuration,
): Promise<Workplace> {
  const { node, identity, chunkSizeBytes, targetKey, target } = configuration;
  const ending = new AbortController();
  const limit = (bytesPerSecond: number | null): RateLimit =>
    bytesPerSecond === null
      ? unlimited
      : rateLimit({ bytesPerSecond, clock, signal: ending.signal });

  const root = configuration.spoolDirectory ?? defaultSpool;
  const files = createOpenFiles();
  const seeds = createSeedTable(files);
  const spool = target === null ? openSpool({ root, targetKey, node, seeds }) : undefined;
  const taken = target === null ? undefined : await openTarget(target, seeds);
  const place = spool ?? taken?.place;
  assert(place !== undefined, 'images go into a spool or into a target');
  const warnings = [...(taken?.warnings ?? [])];
  const served = new Map<string, ServedImage>();
  /** Of the images in the spool. */
  const indexes = new Map<string, StoredIndex>();

  /** Serves an image that lies complete in the spool, and uses it as a seed. */
  async function takeIn(image: ImageName): Promise<void> {
    if (spool === undefined) return;
    const path = spool.pathOf(image);
    const index = await openIndex(indexPathOf(path));
    indexes.get(image.id)?.close();
    indexes.set(image.id, index);
    const shape = index.shape;
    served.set(image.id, fileImage({ identity: identify(path), index, ...shape, files }));
  }
  const spooled: ImageName[] = [];
  for (const image of place.kept()) {
    try {
      await takeIn(image);
      spooled.push(image);
    } catch (error) {
      warnings.push(`ignored ${image.id} in the spool: ${String(error)}`);
    }
  }

  const server = await serve({
    identity,
    find: (image) => served.get(image),
    upload: limit(configuration.uploadBytesPerSecond),
    onNotice: (text) => channel.send({ type: 'notice', text }),
  });
  const receives = createReceives({
    channel,
    identity,
    chunkSizeBytes,
    place,
    download: limit(configuration.downloadBytesPerSecond),
    async onReceived(image) {
      await place.record(image);
      await takeIn(image);
    },
  });
  const scans = createScans({
    channel,
    node,
    home,
    chunkSizeBytes,
    scratch: spool?.scratch,
    files,
    seeds,
    served,
    signal: ending.signal,
  });

  return {
    summary: {
      port: server.port,
      roomBytes: freeBytes(place.directory),
      // Where ssh reached the frontend, if it did, its user is, and no node.
      linkBytesPerSecond: linkRate(spool === undefined ? null : address),
      spooled,
      seeded: [...(taken?.seeded ?? [])],
      warnings,
    },
    receives,
    find: scans.find,
    drop(image) {
      served.delete(image);
      indexes.get(image)?.close();
      indexes.delete(image);
      place.drop(image);
    },
    async close({ emptySpool }) {
      ending.abort();
      await Promise.all([receives.stop(), server.close(), scans.ended()]);
      for (const index of indexes.values()) index.close();
      files.close();
      if (emptySpool) place.empty();
      await place.close();
    },
  };
}

function openTarget(target: TargetConfiguration, seeds: SeedTable): Promise<Target> {
  return target.layout === 'files'
    ? openFileTarget(target.directory, seeds)
    : openStoreTarget(target);
}
