import { assert } from '../base/assert.ts';
import { HEADER_BYTES, readHeader, type FrameHeader, type PayloadLimits } from './frame.ts';

export interface FrameReaderOptions {
  readonly limits: PayloadLimits;
  /** Size of the one buffer; must hold the largest frame twice, so that little has to be moved. */
  readonly bufferBytes: number;
  /** Takes a whole frame; `payload` is only valid during the call. */
  readonly onFrame: (header: FrameHeader, payload: Buffer) => void;
}

/** Cuts a stream of bytes into frames inside one preallocated buffer. */
export interface FrameReader {
  /** Where the next bytes of the stream go; never empty. */
  space(): Buffer;
  /**
   * Says that `count` bytes were put into `space()`, and hands out the frames that are complete
   * now.
   * @throws KgetError `protocol`, and whatever `onFrame` throws
   */
  advance(count: number): void;
}

export function frameReader(options: FrameReaderOptions): FrameReader {
  const { limits, onFrame } = options;
  const largestBytes = HEADER_BYTES + Math.max(...Object.values(limits));
  assert(options.bufferBytes >= 2 * largestBytes, 'the buffer holds two of the largest frames');
  const buffer = Buffer.allocUnsafeSlow(options.bufferBytes);
  let start = 0;
  let end = 0;
  /** The frame whose payload is not complete; its header is read and consumed. */
  let header: FrameHeader | undefined;

  function advance(count: number): void {
    end += count;
    assert(end <= buffer.length, 'no more bytes arrive than there was space for');
    for (;;) {
      if (header === undefined) {
        if (end - start < HEADER_BYTES) break;
        header = readHeader(buffer, start, limits);
        start += HEADER_BYTES;
      }
      if (end - start < header.payloadBytes) break;
      const complete = header;
      const payload = buffer.subarray(start, start + complete.payloadBytes);
      header = undefined;
      start += complete.payloadBytes;
      onFrame(complete, payload);
    }
    makeSpace();
  }

  /**
   * Moves what is left to the front when there is nothing left, or its frame would not fit behind
   * it.
   */
  function makeSpace(): void {
    if (start === end) {
      start = 0;
      end = 0;
    } else if (buffer.length - start < largestBytes) {
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
  }

  return { space: () => buffer.subarray(end), advance };
}

/** Feeds bytes that arrived in buffers of their own. @throws as `FrameReader.advance` */
export function feed(reader: FrameReader, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) {
    const space = reader.space();
    const part = bytes.subarray(offset, offset + space.length);
    space.set(part);
    offset += part.length;
    reader.advance(part.length);
  }
}
