import { assert } from '../base/assert.ts';
import { toFailure } from '../base/error.ts';
import type { ImageLanding } from '../content/landing.ts';
import type { AgentChannel } from '../control/channel.ts';
import type { CoordinatorMessage, ImageName } from '../control/messages.ts';
import { pull } from '../transfer/pull.ts';
import type { Identity, PullBlame, RateLimit } from '../transfer/transfer.ts';
import type { ImagePlace } from './image-place.ts';
import { PROGRESS_INTERVAL_MS } from './limits.ts';

type Order = Extract<CoordinatorMessage, { type: 'receive' }>;

export interface ReceiveOptions {
  readonly channel: AgentChannel;
  readonly identity: Identity;
  readonly chunkSizeBytes: number;
  readonly place: ImagePlace;
  readonly download: RateLimit;
  /** Called when an image is complete and durable here, before the coordinator knows. */
  onReceived(image: ImageName): Promise<void>;
}

/** The transfers onto this agent. */
export interface Receives {
  start(order: Order): void;
  cancel(transfer: string): void;
  /** Ends all transfers; what has arrived is kept for another try. */
  stop(): Promise<void>;
}

export function createReceives(options: ReceiveOptions): Receives {
  const running = new Map<
    string,
    { readonly abort: AbortController; readonly ended: Promise<void> }
  >();

  return {
    start(order) {
      const abort = new AbortController();
      const ended = receive(options, order, abort.signal).finally(() =>
        running.delete(order.transfer),
      );
      running.set(order.transfer, { abort, ended });
    },
    cancel(transfer) {
      running.get(transfer)?.abort.abort();
    },
    async stop() {
      for (const { abort } of running.values()) abort.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

/** Receives one image and tells the coordinator how it went; never rejects. */
async function receive(options: ReceiveOptions, order: Order, signal: AbortSignal): Promise<void> {
  const { channel } = options;
  const { transfer, image } = order;
  const landed: { landing?: ImageLanding } = {};
  const pulling = pull({
    ...options,
    from: order.from,
    image: image.id,
    level: options.place.level,
    signal,
    land: async (sizeBytes) => (landed.landing = await land(options, order, sizeBytes)),
  });
  const { counters } = pulling;
  const tell = setInterval(() => {
    const doneBytes = landed.landing?.doneBytes() ?? 0;
    channel.send({ type: 'receiving', transfer, wireBytes: counters.wireBytes, doneBytes });
  }, PROGRESS_INTERVAL_MS);
  let blame: PullBlame = 'target';
  try {
    const outcome = await pulling.outcome;
    clearInterval(tell);
    if (outcome.state === 'failed') {
      blame = outcome.blame;
      throw outcome.error;
    }
    channel.send({ type: 'arrived', transfer, wireBytes: counters.wireBytes });
    assert(landed.landing !== undefined, 'an image that has arrived was landed');
    const summary = await landed.landing.finish();
    await options.onReceived(image);
    channel.send({ type: 'received', transfer, ...counters, ...summary });
  } catch (error) {
    clearInterval(tell);
    await landed.landing?.abandon({ keepPart: true }).catch(() => {});
    channel.send({ type: 'receive-failed', transfer, blame, failure: toFailure(error) });
  }
}

function land(
  { place, chunkSizeBytes }: ReceiveOptions,
  { image, neededBytes }: Order,
  sizeBytes: number,
): Promise<ImageLanding> {
  return place.land(image, {
    shape: { sizeBytes, chunkSizeBytes },
    neededBytes: Math.min(neededBytes, sizeBytes),
  });
}
