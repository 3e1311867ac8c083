import type { Clock } from '../base/clock.ts';
import type { ServedImage } from '../content/image.ts';
import type { AgentOutlet } from '../control/channel.ts';
import type { Configuration, ImageName } from '../control/messages.ts';
import { serveLimitsFor } from '../transfer/limits.ts';
import { rateLimit, unlimited } from '../transfer/rate-limit.ts';
import { serve } from '../transfer/serve.ts';
import type { RateLimit } from '../transfer/transfer.ts';
import type { ImagePlace } from './image-place.ts';
import { createReceives, type Receives } from './receives.ts';

export interface ExchangeOptions {
  /** The coordinator that gave the configuration; it is told of nothing after its time. */
  readonly channel: AgentOutlet;
  readonly clock: Clock;
  readonly configuration: Configuration;
  readonly place: ImagePlace;
  find(image: string): ServedImage | undefined;
  onReceived(image: ImageName): Promise<void>;
}

/** What an agent exchanges with others for one coordinator, with the identity that it gave. */
export interface Exchange {
  /** The port at which others are served. */
  readonly port: number;
  readonly receives: Receives;
  /** Ends all connections; what has arrived of images is kept for another try. */
  close(): Promise<void>;
}

/** Begins to serve others, and to receive when told. @throws KgetError `unreachable` */
export async function openExchange(options: ExchangeOptions): Promise<Exchange> {
  const { channel, clock, configuration, place, find, onReceived } = options;
  const { identity, chunkSizeBytes, stallMs } = configuration;
  const ending = new AbortController();
  const limit = (bytesPerSecond: number | null): RateLimit =>
    bytesPerSecond === null
      ? unlimited
      : rateLimit({ bytesPerSecond, clock, signal: ending.signal });

  const server = await serve({
    identity,
    find,
    upload: limit(configuration.uploadBytesPerSecond),
    limits: serveLimitsFor(stallMs),
    onNotice: (text) => channel.send({ type: 'notice', text }),
  });
  const receives = createReceives({
    channel,
    identity,
    chunkSizeBytes,
    place,
    download: limit(configuration.downloadBytesPerSecond),
    stallMs,
    onReceived,
  });
  return {
    port: server.port,
    receives,
    async close() {
      ending.abort();
      await Promise.all([receives.stop(), server.close()]);
    },
  };
}
