import { assert } from '../base/assert.ts';
import { KgetError, toFailure } from '../base/error.ts';
import type { ImageLanding } from '../content/landing.ts';
import type { AgentOutlet } from '../control/channel.ts';
import type { CoordinatorMessage, ImageName } from '../control/messages.ts';
import { pullLimitsFor } from '../transfer/limits.ts';
import { pull } from '../transfer/pull.ts';
import type { Identity, PullBlame, RateLimit } from '../transfer/transfer.ts';
import type { ImagePlace } from './image-place.ts';
import { PROGRESS_INTERVAL_MS, TELLINGS_IN_STALL } from './limits.ts';

type Order = Extract<CoordinatorMessage, { type: 'receive' }>;

export interface ReceiveOptions {
  readonly channel: AgentOutlet;
  readonly identity: Identity;
  readonly chunkSizeBytes: number;
  readonly place: ImagePlace;
  readonly download: RateLimit;
  /** A transfer on which nothing comes for so long, though it could, fails. */
  readonly stallMs: number;
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

interface Receiving {
  readonly image: string;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

export function createReceives(options: ReceiveOptions): Receives {
  const running = new Map<string, Receiving>();

  /** An image lands once at a time: one that was given up may still wait for the disk. */
  async function landed(image: string): Promise<void> {
    const others = [...running.values()].filter((other) => other.image === image);
    await Promise.all(others.map(({ ended }) => ended));
  }

  return {
    start(order) {
      const { transfer } = order;
      const image = order.image.id;
      const abort = new AbortController();
      const { signal } = abort;
      const receiving = receive(options, order, { signal, before: landed(image) });
      const ended = receiving.finally(() => running.delete(transfer));
      running.set(transfer, { image, abort, ended });
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

/** Receives one image, once `before` has ended, and tells how it went; never rejects. */
async function receive(
  options: ReceiveOptions,
  order: Order,
  { signal, before }: { readonly signal: AbortSignal; readonly before: Promise<void> },
): Promise<void> {
  const { channel, stallMs } = options;
  const { transfer, image } = order;
  const landed: { opening?: Promise<ImageLanding>; landing?: ImageLanding } = {};
  let isOver = false;
  const pulling = pull({
    ...options,
    from: order.from,
    image: image.id,
    level: options.place.level,
    signal,
    limits: pullLimitsFor(stallMs),
    async land(sizeBytes) {
      await before;
      if (isOver) throw new KgetError('cancelled', `Did not begin to store ${image.id}`);
      landed.opening = land(options, order, sizeBytes);
      landed.landing = await landed.opening;
      return landed.landing;
    },
  });
  const { counters } = pulling;
  const tell = setInterval(
    () => {
      const doneBytes = landed.landing?.doneBytes() ?? 0;
      channel.send({ type: 'receiving', transfer, wireBytes: counters.wireBytes, doneBytes });
    },
    Math.min(PROGRESS_INTERVAL_MS, stallMs / TELLINGS_IN_STALL),
  );
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
    isOver = true;
    const { opening } = landed;
    await opening?.then((landing) => landing.abandon({ keepPart: true })).catch(() => {});
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
