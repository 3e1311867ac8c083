import type { TLSSocket } from 'node:tls';
import { KgetError } from '../base/error.ts';
import type { ChunkRun, ServedImage } from '../content/image.ts';
import { chunkLengthAt } from '../content/shape.ts';
import { blockQueue } from './block-queue.ts';
import { compressionChoice, type CompressionChoice } from './compression-choice.ts';
import { Encoding, FrameType, HEADER_BYTES, writeHeader } from './frame.ts';
import { BLOCK_BYTES, BLOCKS, FIRST_BLOCK_BYTES, MAX_QUEUED_RUNS } from './limits.ts';
import type { RateLimit } from './transfer.ts';
import { compress, hasZstd } from './zstd.ts';

export interface ChunkSenderOptions {
  readonly socket: TLSSocket;
  readonly image: ServedImage;
  readonly upload: RateLimit;
  /** Whether the receiver can decompress. */
  readonly acceptsZstd: boolean;
  /** Ends the sending. */
  readonly signal: AbortSignal;
  /** Sending has failed: KgetError `source-unreadable`, `source-changed`. */
  readonly onError: (error: unknown) => void;
  readonly nowMs: () => number;
}

/** Sends the chunks that a receiver wants, in the order in which it wants them. */
export interface ChunkSender {
  /** @throws KgetError `protocol` if more is wanted than a receiver may have outstanding */
  want(runs: readonly ChunkRun[]): void;
  /** Whether all that was wanted has been handed to the socket. */
  isIdle(): boolean;
}

export function chunkSender(options: ChunkSenderOptions): ChunkSender {
  const { image, socket, upload, signal, nowMs } = options;
  const { shape } = image;
  const chunksInBlock = Math.max(1, Math.floor(BLOCK_BYTES / shape.chunkSizeBytes));
  const blockBytes = chunksInBlock * (HEADER_BYTES + shape.chunkSizeBytes);
  const queue = blockQueue({ socket, blocks: BLOCKS, blockBytes });
  const choice = options.acceptsZstd && hasZstd ? compressionChoice(nowMs()) : undefined;
  signal.addEventListener('abort', () => queue.end(), { once: true });
  const wanted: { next: number; end: number }[] = [];
  /** How much to put into a block: little under a rate limit, so that the stream is even. */
  let goalBytes = FIRST_BLOCK_BYTES;
  let isSending = false;

  function want(runs: readonly ChunkRun[]): void {
    if (wanted.length + runs.length > MAX_QUEUED_RUNS) {
      throw new KgetError(
        'protocol',
        `Cannot serve ${wanted.length + runs.length} runs at once: at most ${MAX_QUEUED_RUNS} allowed`,
      );
    }
    for (const { first, count } of runs) wanted.push({ next: first, end: first + count });
    if (!isSending) void sendWanted();
  }

  async function sendWanted(): Promise<void> {
    isSending = true;
    try {
      await sendBlocks();
    } catch (error) {
      options.onError(error);
    }
    isSending = false;
  }

  async function sendBlocks(): Promise<void> {
    while (wanted.length > 0 && !signal.aborted) {
      const block = await timed(queue.take());
      if (block === undefined || signal.aborted) return;
      const { wireBytes, plainBytes } = fill(block);
      image.confirmUnchanged();
      const limit = upload.take(wireBytes);
      goalBytes = limit === undefined ? Math.min(2 * goalBytes, blockBytes) : shape.chunkSizeBytes;
      await timed(limit);
      if (signal.aborted) return;
      queue.send(block, wireBytes);
      choice?.sent({ nowMs: nowMs(), wireBytes, plainBytes });
    }
  }

  async function timed<T>(wait: T | Promise<T>): Promise<T> {
    if (!(wait instanceof Promise)) return wait;
    const startMs = nowMs();
    const result = await wait;
    choice?.waited(nowMs() - startMs);
    return result;
  }

  /** Puts as many wanted chunks into the block as it holds. */
  function fill(block: Buffer): { wireBytes: number; plainBytes: number } {
    let used = 0;
    let plainBytes = 0;
    for (;;) {
      const run = wanted[0];
      if (run === undefined) break;
      const length = chunkLengthAt(shape, run.next);
      if (used + HEADER_BYTES + length > block.length || (used > 0 && used >= goalBytes)) break;
      used += putChunk({ block, offset: used, position: run.next, length });
      plainBytes += length;
      run.next += 1;
      if (run.next === run.end) wanted.shift();
    }
    return { wireBytes: used, plainBytes };
  }

  function putChunk(place: Place): number {
    const { block, offset, position, length } = place;
    const start = offset + HEADER_BYTES;
    image.read(block.subarray(start, start + length), length, position * shape.chunkSizeBytes);
    const packed = choice && pack(block.subarray(start, start + length), choice, nowMs);
    if (packed !== undefined) block.set(packed, start);
    const payloadBytes = packed?.length ?? length;
    const encoding = packed === undefined ? Encoding.raw : Encoding.zstd;
    writeHeader(block, offset, { type: FrameType.chunk, encoding, position, payloadBytes });
    return HEADER_BYTES + payloadBytes;
  }

  return { want, isIdle: () => wanted.length === 0 && !isSending && queue.isIdle() };
}

interface Place {
  readonly block: Buffer;
  readonly offset: number;
  readonly position: number;
  readonly length: number;
}

/** The compressed chunk, if now is the time to compress and it was worth it. */
function pack(chunk: Buffer, choice: CompressionChoice, nowMs: () => number): Buffer | undefined {
  if (!choice.wanted()) return undefined;
  const startMs = nowMs();
  const packed = compress(chunk);
  const tookMs = nowMs() - startMs;
  const isWorthwhile = choice.tried({
    plainBytes: chunk.length,
    packedBytes: packed.length,
    tookMs,
  });
  return isWorthwhile ? packed : undefined;
}
