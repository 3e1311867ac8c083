import { KgetError, toFailure } from '../base/error.ts';
import type { ImageShape, Landing } from '../content/image.ts';
import { chunkCountOf } from '../content/shape.ts';
import { encodeFrame, Encoding, FrameType, type FrameHeader } from './frame.ts';
import { indexReceiver } from './index-receiver.ts';
import { MAX_PENDING_CHUNKS } from './limits.ts';
import { encodeCount, encodeRuns } from './payload.ts';
import type { PullBlame, PullCounters } from './transfer.ts';
import { wantWindow } from './want-window.ts';
import { decompress } from '../content/zstd.ts';

export interface ImageReceiverOptions {
  readonly shape: ImageShape;
  readonly landing: Landing;
  readonly counters: PullCounters;
  readonly send: (frame: Buffer) => void;
  readonly onFailed: (blame: PullBlame, error: unknown) => void;
}

/** Brings digests and chunks of one image to its landing. */
export interface ImageReceiver {
  /** Asks for what can be asked for now; says so when there is nothing left. */
  request(): void;
  /** Takes an INDEX. @throws KgetError `protocol` */
  takeDigests(header: FrameHeader, payload: Buffer): void;
  /** Takes a CHUNK. @throws KgetError `protocol`, `corrupt` */
  takeChunk(header: FrameHeader, payload: Buffer): void;
  /** Whether the sender has been asked for something that has not come. */
  isOwed(): boolean;
  /** Whether the sender was told that there is nothing left. */
  isDone(): boolean;
  /** Stops using the landing. */
  end(): void;
}

export function imageReceiver(options: ImageReceiverOptions): ImageReceiver {
  const { shape, landing, counters, send, onFailed } = options;
  const index = indexReceiver(chunkCountOf(shape));
  const window = wantWindow(shape);
  let isSettling = false;
  let isDone = false;
  let hasEnded = false;

  function request(): void {
    while (window.pendingChunks() < MAX_PENDING_CHUNKS) {
      const ask = index.nextAsk();
      if (ask === undefined) break;
      send(encodeFrame(FrameType.ask, encodeCount(ask.count), ask.first));
    }
    const runs = window.next();
    if (runs.length > 0) send(encodeFrame(FrameType.want, encodeRuns(runs)));
    if (!isDone && index.isSettled() && window.isEmpty()) {
      isDone = true;
      send(encodeFrame(FrameType.done));
    }
  }

  function takeDigests(header: FrameHeader, payload: Buffer): void {
    index.arrive(header.position, payload);
    if (!isSettling) void settle();
  }

  /** Settles what digests have come, one batch after the other. */
  async function settle(): Promise<void> {
    isSettling = true;
    try {
      for (let batch = index.nextBatch(); batch; batch = index.nextBatch()) {
        const runs = await landing.settle(batch.first, batch.digests);
        if (hasEnded) return;
        index.settled(batch);
        window.add(runs);
        request();
      }
    } catch (error) {
      onFailed('target', error);
    }
    isSettling = false;
  }

  function takeChunk(header: FrameHeader, payload: Buffer): void {
    const { position } = header;
    const length = window.arrive(position);
    const isPacked = header.encoding === Encoding.zstd;
    const bytes = isPacked ? decompress(payload, length) : payload;
    if (bytes.length !== length) {
      throw new KgetError(
        'protocol',
        `Cannot take chunk ${position} in: ${bytes.length} B came, wanted ${length} B`,
      );
    }
    try {
      landing.write(position, { bytes, packed: isPacked ? payload : undefined });
    } catch (error) {
      // A digest that does not match is the sender's fault, all else is ours.
      return onFailed(toFailure(error).code === 'corrupt' ? 'source' : 'target', error);
    }
    counters.chunks += 1;
    request();
  }

  return {
    request,
    takeDigests,
    takeChunk,
    isOwed: () => isDone || index.isOwed() || window.isInFlight(),
    isDone: () => isDone,
    end: () => {
      hasEnded = true;
    },
  };
}
