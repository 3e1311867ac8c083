import type { TLSSocket } from 'node:tls';
import { KgetError } from '../base/error.ts';
import type { ChunkRun, ServedImage } from '../content/image.ts';
import { chunkLengthAt } from '../content/shape.ts';
import { compress, hasZstd } from '../content/zstd.ts';
import { blockQueue } from './block-queue.ts';
import { compressionChoice, type CompressionChoice } from './compression-choice.ts';
import { type Filled, fillPacked } from './fill-packed.ts';
import { Encoding, FrameType, HEADER_BYTES, writeHeader } from './frame.ts';
import { BLOCK_BYTES, BLOCKS, FIRST_BLOCK_BYTES, MAX_QUEUED_RUNS } from './limits.ts';
import type { RateLimit } from './transfer.ts';

export interface ChunkSenderOptions {
  readonly socket: TLSSocket;
  readonly image: ServedImage;
  readonly upload: RateLimit;
  /** Whether the receiver can decompress. */
  readonly acceptsZstd: boolean;
  /** The zstd level at which every chunk is to be compressed; 0 if only where that pays. */
  readonly level: number;
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
  /** Whether the rate limit holds the next block back, or a chunk that is still on its way here. */
  isHeldBack(): boolean;
}

export function chunkSender(options: ChunkSenderOptions): ChunkSender {
  const { image, socket, upload, signal, nowMs } = options;
  const { shape } = image;
  const chunksInBlock = Math.max(1, Math.floor(BLOCK_BYTES / shape.chunkSizeBytes));
  const frameBytes = HEADER_BYTES + shape.chunkSizeBytes;
  const blockBytes = chunksInBlock * frameBytes;
  const queue = blockQueue({ socket, blocks: BLOCKS, blockBytes });
  const mayPack = options.acceptsZstd && hasZstd;
  const packsAll = mayPack && options.level > 0;
  const choice = mayPack && !packsAll ? compressionChoice(nowMs()) : undefined;
  signal.addEventListener('abort', () => queue.end(), { once: true });
  const wanted: { next: number; end: number }[] = [];
  /** How much to put into a block: little under a rate limit, so that the stream is even. */
  let goalBytes = FIRST_BLOCK_BYTES;
  let isSending = false;
  let isHeldBack = false;

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
      await arrival();
      if (signal.aborted) return;
      const block = await timed(queue.take());
      if (block === undefined || signal.aborted) return;
      const { wireBytes, plainBytes } = packsAll
        ? await fillPacked(block, { image, level: options.level, positions: takeWanted() })
        : fill(block);
      if (signal.aborted) return;
      image.confirmUnchanged();
      const limit = upload.take(wireBytes);
      goalBytes = limit === undefined ? Math.min(2 * goalBytes, blockBytes) : shape.chunkSizeBytes;
      isHeldBack = limit !== undefined;
      await timed(limit);
      isHeldBack = false;
      if (signal.aborted) return;
      queue.send(block, wireBytes);
      choice?.sent({ nowMs: nowMs(), wireBytes, plainBytes });
    }
  }

  /** Waits until the next wanted chunk can be read. */
  async function arrival(): Promise<void> {
    const next = wanted[0]?.next;
    if (next === undefined || image.arrivals === undefined || isReadable(next)) return;
    isHeldBack = true;
    // No reason to compress: whoever the chunk comes from has decided that.
    await image.arrivals.waitFor(next, signal);
    isHeldBack = false;
  }

  function isReadable(position: number): boolean {
    return (image.arrivals?.readable(position, 1) ?? 1) > 0;
  }

  async function timed<T>(wait: T | Promise<T>): Promise<T> {
    if (!(wait instanceof Promise)) return wait;
    const startMs = nowMs();
    const result = await wait;
    choice?.waited(nowMs() - startMs);
    return result;
  }

  /** The positions of the next wanted chunks, as many as a block has to have. */
  function takeWanted(): number[] {
    const most = Math.max(1, Math.min(chunksInBlock, Math.floor(goalBytes / frameBytes)));
    const positions: number[] = [];
    for (let run = wanted[0]; run !== undefined && positions.length < most; run = wanted[0]) {
      if (!isReadable(run.next)) break;
      positions.push(run.next);
      run.next += 1;
      if (run.next === run.end) wanted.shift();
    }
    return positions;
  }

  /** Puts as many wanted chunks into the block as it holds. */
  function fill(block: Buffer): Filled {
    let used = 0;
    let plainBytes = 0;
    for (let run = wanted[0]; run !== undefined; run = wanted[0]) {
      const count = fitting(run, used, block.length);
      if (count === 0) break;
      const put = { block, offset: used, first: run.next, count };
      used += putReady(put) ?? (packsNow() ? putPacked(put) : putRaw(put));
      const last = run.next + count - 1;
      plainBytes += (count - 1) * shape.chunkSizeBytes + chunkLengthAt(shape, last);
      run.next += count;
      if (run.next === run.end) wanted.shift();
    }
    return { wireBytes: used, plainBytes };
  }

  /** How many chunks of the run go into the block at once: one by one while they are compressed. */
  function fitting(run: { next: number; end: number }, used: number, roomBytes: number): number {
    const first = HEADER_BYTES + chunkLengthAt(shape, run.next);
    if (used + first > roomBytes || (used > 0 && used >= goalBytes)) return 0;
    if (!isReadable(run.next)) return 0;
    if (packsNow() || image.packed !== undefined) return 1;
    const byGoal = Math.ceil((goalBytes - used) / frameBytes);
    const byRoom = Math.floor((roomBytes - used) / frameBytes);
    const most = Math.max(1, Math.min(run.end - run.next, byGoal, byRoom));
    return image.arrivals?.readable(run.next, most) ?? most;
  }

  function packsNow(): boolean {
    return choice?.isOn() === true;
  }

  /** Reads neighbours in one go, each behind the place of its header. Returns the bytes put. */
  function putRaw({ block, offset, first, count }: Place): number {
    const pieces: Buffer[] = [];
    for (let place = 0; place < count; place += 1) {
      const payloadBytes = chunkLengthAt(shape, first + place);
      const at = offset + place * frameBytes;
      pieces.push(block.subarray(at + HEADER_BYTES, at + HEADER_BYTES + payloadBytes));
      const position = first + place;
      writeHeader(block, at, {
        type: FrameType.chunk,
        encoding: Encoding.raw,
        position,
        payloadBytes,
      });
    }
    image.read(pieces, first * shape.chunkSizeBytes);
    return pieces.reduce((sum, piece) => sum + HEADER_BYTES + piece.length, 0);
  }

  /** Puts one chunk in as the frame that is at hand; undefined if there is none. */
  function putReady({ block, offset, first }: Place): number | undefined {
    const packed = mayPack ? image.packed?.(first) : undefined;
    if (packed === undefined) return undefined;
    block.set(packed, offset + HEADER_BYTES);
    const header = { type: FrameType.chunk, encoding: Encoding.zstd, position: first };
    writeHeader(block, offset, { ...header, payloadBytes: packed.length });
    return HEADER_BYTES + packed.length;
  }

  /** Reads one chunk and puts it in compressed if that is worth it. Returns the bytes put. */
  function putPacked({ block, offset, first }: Place): number {
    const start = offset + HEADER_BYTES;
    const chunk = block.subarray(start, start + chunkLengthAt(shape, first));
    image.read([chunk], first * shape.chunkSizeBytes);
    const packed = choice && pack(chunk, choice, nowMs);
    if (packed !== undefined) block.set(packed, start);
    const payloadBytes = packed?.length ?? chunk.length;
    const encoding = packed === undefined ? Encoding.raw : Encoding.zstd;
    writeHeader(block, offset, { type: FrameType.chunk, encoding, position: first, payloadBytes });
    return HEADER_BYTES + payloadBytes;
  }

  return {
    want,
    isIdle: () => wanted.length === 0 && !isSending && queue.isIdle(),
    isHeldBack: () => isHeldBack,
  };
}

/** Consecutive chunks, and where in the block they go. */
interface Place {
  readonly block: Buffer;
  readonly offset: number;
  readonly first: number;
  readonly count: number;
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
