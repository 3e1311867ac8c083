import type { TLSSocket } from 'node:tls';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { ServedImage } from '../content/image.ts';
import { chunkSender, type ChunkSender } from './chunk-sender.ts';
import { encodeFrame, FrameType, type FrameHeader, type PayloadLimits } from './frame.ts';
import { indexSender, type IndexSender } from './index-sender.ts';
import { MAX_WANT_RUNS } from './limits.ts';
import {
  COUNT_BYTES,
  decodeCount,
  decodeOpen,
  decodeRuns,
  encodeMeta,
  type Open,
  MAX_OPEN_BYTES,
  RUN_BYTES,
} from './payload.ts';
import { checkShape } from './shape.ts';
import type { ServeOptions } from './transfer.ts';

/** The frames that a receiver may send. */
export const REQUEST_LIMITS: PayloadLimits = {
  [FrameType.open]: MAX_OPEN_BYTES,
  [FrameType.ask]: COUNT_BYTES,
  [FrameType.want]: MAX_WANT_RUNS * RUN_BYTES,
  [FrameType.done]: 0,
  [FrameType.alive]: 0,
};

export interface SenderOptions extends Pick<ServeOptions, 'find' | 'upload'> {
  readonly socket: TLSSocket;
  /** Ends everything. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly send: (frame: Buffer) => void;
  /** An image was opened: the connection serves its purpose. */
  readonly onOpened: () => void;
  /** The receiver has all it wants, and was told that it may rely on it. */
  readonly onDone: () => void;
  /** Sending has failed: KgetError `source-unreadable`, `source-changed`. */
  readonly onError: (error: unknown) => void;
}

/** The sending side of the protocol, without the care for the connection. */
export interface Sender {
  /**
   * Takes a frame, whose payload is used during the call only. @throws KgetError that the receiver
   * should know
   */
  take(header: FrameHeader, payload: Buffer): void;
  /** Whether nothing goes out because of the scan, the rate limit, or an image that is to come. */
  waits(): boolean;
}

/** An image that a receiver has opened. */
interface Opened {
  readonly image: ServedImage;
  readonly index: IndexSender;
  readonly chunks: ChunkSender;
}

export function sender(options: SenderOptions): Sender {
  const { send } = options;
  let opened: Opened | undefined;
  let isOpening = false;

  function take(header: FrameHeader, payload: Buffer): void {
    switch (header.type) {
      case FrameType.open:
        return open(payload);
      case FrameType.ask:
        return whenOpened().index.ask(header.position, decodeCount(payload));
      case FrameType.want: {
        const { image, chunks } = whenOpened();
        return chunks.want(decodeRuns(payload, image.index.chunkCount));
      }
      case FrameType.done:
        return finish(whenOpened());
      case FrameType.alive:
        return;
      case FrameType.meta:
      case FrameType.index:
      case FrameType.chunk:
      case FrameType.fail:
        assert(false, 'REQUEST_LIMITS refuses what only a sender sends');
    }
  }

  function open(payload: Buffer): void {
    if (isOpening) throw new KgetError('protocol', 'Cannot open two images at once');
    isOpening = true;
    const request = decodeOpen(payload);
    const found = options.find(request.image, options.signal);
    options.onOpened();
    if (found instanceof Promise) void openLater(request, found);
    else begin(request, found);
  }

  async function openLater(request: Open, found: Promise<ServedImage | undefined>): Promise<void> {
    try {
      const image = await found;
      if (!options.signal.aborted) begin(request, image);
    } catch (error) {
      options.onError(error);
    }
  }

  function begin(request: Open, image: ServedImage | undefined): void {
    if (image === undefined) {
      throw new KgetError(
        'source-unreadable',
        `Cannot serve image "${request.image}": it is not on this node`,
      );
    }
    checkAgreement(image, request.chunkSizeBytes);
    const { acceptsZstd, level } = request;
    opened = {
      image,
      index: indexSender({ ...options, index: image.index }),
      chunks: chunkSender({ ...options, acceptsZstd, level, image }),
    };
    send(encodeFrame(FrameType.meta, encodeMeta(image.shape)));
  }

  function whenOpened(): Opened {
    if (opened === undefined) throw new KgetError('protocol', 'Cannot answer before OPEN');
    return opened;
  }

  /** What the receiver has is good if the image is still the one that was scanned. */
  function finish({ image, index, chunks }: Opened): void {
    if (!index.isIdle() || !chunks.isIdle()) {
      throw new KgetError('protocol', 'Cannot finish: the receiver has not waited for its answers');
    }
    image.confirmUnchanged();
    send(encodeFrame(FrameType.done));
    options.onDone();
  }

  function waits(): boolean {
    if (opened === undefined) return isOpening;
    const { index, chunks } = opened;
    return chunks.isHeldBack() || (index.isWaiting() && chunks.isIdle());
  }

  return { take, waits };
}

function checkAgreement({ shape }: ServedImage, wantedChunkBytes: number): void {
  checkShape(shape);
  if (shape.chunkSizeBytes === wantedChunkBytes) return;
  throw new KgetError(
    'protocol',
    `Cannot serve an image in chunks of ${wantedChunkBytes} B: it was scanned in chunks of ` +
      `${shape.chunkSizeBytes} B`,
  );
}
