import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { ImageShape, Landing } from '../content/image.ts';
import { DIGEST_RUN_BYTES } from './digest-runs.ts';
import { encodeFrame, FrameType, type FrameHeader, type PayloadLimits } from './frame.ts';
import { imageReceiver, type ImageReceiver } from './image-receiver.ts';
import { INDEX_BATCH, MAX_FAILURE_BYTES } from './limits.ts';
import { decodeFailure, decodeMeta, encodeOpen, META_BYTES } from './payload.ts';
import { checkShape } from './shape.ts';
import type { PullBlame, PullCounters, PullOptions } from './transfer.ts';
import { hasZstd } from '../content/zstd.ts';

/** The frames that a sender may send. */
export function answerLimits(chunkSizeBytes: number): PayloadLimits {
  return {
    [FrameType.meta]: META_BYTES,
    [FrameType.index]: INDEX_BATCH * DIGEST_RUN_BYTES,
    [FrameType.chunk]: chunkSizeBytes,
    [FrameType.done]: 0,
    [FrameType.fail]: MAX_FAILURE_BYTES,
    [FrameType.alive]: 0,
  };
}

export interface ReceiverOptions extends Pick<
  PullOptions,
  'image' | 'land' | 'chunkSizeBytes' | 'level'
> {
  readonly counters: PullCounters;
  readonly send: (frame: Buffer) => void;
  /** The sender lives; `position` is that of the frame. */
  readonly onAlive: (position: number) => void;
  /** Everything is there. */
  readonly onArrived: (landing: Landing) => void;
  /** The pull has failed. Only the first call counts. */
  readonly onFailed: (blame: PullBlame, error: unknown) => void;
}

/** The receiving side of the protocol, without the connection. */
export interface Receiver {
  /** Asks for the image. */
  open(): void;
  /**
   * Takes a frame, whose payload is used during the call only. @throws KgetError if the sender is
   * to blame
   */
  take(header: FrameHeader, payload: Buffer): void;
  /** Whether the sender has been asked for something that has not come. */
  isOwed(): boolean;
  /** Stops using the landing. */
  end(): void;
}

/** An image whose size the sender has named, and whose landing is made. */
interface Landed {
  readonly landing: Landing;
  readonly image: ImageReceiver;
}

export function receiver(options: ReceiverOptions): Receiver {
  let landed: Landed | undefined;
  let hasMeta = false;
  let hasEnded = false;

  function open(): void {
    try {
      const payload = encodeOpen({ ...options, acceptsZstd: hasZstd, level: options.level ?? 0 });
      options.send(encodeFrame(FrameType.open, payload));
    } catch (error) {
      options.onFailed('target', error);
    }
  }

  function take(header: FrameHeader, payload: Buffer): void {
    if (hasEnded) return;
    switch (header.type) {
      case FrameType.meta:
        return takeMeta(decodeMeta(payload));
      case FrameType.index:
        return whenLanded().image.takeDigests(header, payload);
      case FrameType.chunk:
        return whenLanded().image.takeChunk(header, payload);
      case FrameType.done:
        return finish(whenLanded());
      case FrameType.fail:
        throw sendersError(payload);
      case FrameType.alive:
        return options.onAlive(header.position);
      case FrameType.open:
      case FrameType.ask:
      case FrameType.want:
        assert(false, 'answerLimits refuses what only a receiver sends');
    }
  }

  function takeMeta(shape: ImageShape): void {
    if (hasMeta) throw new KgetError('protocol', 'Cannot take an image in: it was named twice');
    hasMeta = true;
    checkShape(shape);
    if (shape.chunkSizeBytes !== options.chunkSizeBytes) {
      throw new KgetError(
        'protocol',
        `Cannot take an image in: its chunks have ${shape.chunkSizeBytes} B, ` +
          `wanted ${options.chunkSizeBytes} B`,
      );
    }
    void land(shape);
  }

  async function land(shape: ImageShape): Promise<void> {
    try {
      const landing = await options.land(shape.sizeBytes);
      if (hasEnded) return;
      landed = { landing, image: imageReceiver({ ...options, shape, landing }) };
      landed.image.request();
    } catch (error) {
      options.onFailed('target', error);
    }
  }

  function whenLanded(): Landed {
    if (landed === undefined) throw new KgetError('protocol', 'Cannot take data before META');
    return landed;
  }

  function finish({ image, landing }: Landed): void {
    if (!image.isDone()) {
      throw new KgetError('protocol', 'Cannot finish: the sender ended before it was told to');
    }
    options.onArrived(landing);
  }

  function end(): void {
    hasEnded = true;
    landed?.image.end();
  }

  /** While the landing is made, it is up to us. */
  function isOwed(): boolean {
    return landed === undefined ? !hasMeta : landed.image.isOwed();
  }

  return { open, take, isOwed, end };
}

function sendersError(payload: Buffer): KgetError {
  const { code, message } = decodeFailure(payload);
  return new KgetError(code, message);
}
