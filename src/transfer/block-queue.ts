import type { Writable } from 'node:stream';
import { assert } from '../base/assert.ts';

/** A bounded number of buffers on their way into a socket. Allocated when first needed. */
export interface BlockQueue {
  /**
   * A free buffer, at once or when the socket has taken one; undefined when the queue has ended.
   */
  take(): Buffer | Promise<Buffer | undefined>;
  /**
   * Sends the first `usedBytes` of a buffer that was taken; it becomes free when the socket is done
   * with it.
   */
  send(block: Buffer, usedBytes: number): void;
  /** Whether every block that was sent has been handed to the socket. */
  isIdle(): boolean;
  /** Drops what the socket has not got yet, and ends the wait of whoever waits for a buffer. */
  end(): void;
}

export interface BlockQueueOptions {
  readonly socket: Writable;
  readonly blocks: number;
  readonly blockBytes: number;
}

/**
 * Hands the socket one block at a time: given several, it would copy them into one before it
 * encrypts them.
 */
export function blockQueue(options: BlockQueueOptions): BlockQueue {
  const { socket, blocks, blockBytes } = options;
  const free: Buffer[] = [];
  const ready: { block: Buffer; usedBytes: number }[] = [];
  let allocated = 0;
  let isWriting = false;
  let hasEnded = false;
  let wake: (() => void) | undefined;

  function take(): Buffer | Promise<Buffer | undefined> {
    const block = takeNow();
    return block ?? nextFree().then(takeNow);
  }

  function takeNow(): Buffer | undefined {
    if (free.length > 0) return free.pop();
    if (allocated === blocks) return undefined;
    allocated += 1;
    return Buffer.allocUnsafeSlow(blockBytes);
  }

  async function nextFree(): Promise<void> {
    assert(wake === undefined, 'one caller waits at a time');
    if (hasEnded || free.length > 0) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }

  function wakeUp(): void {
    const resolve = wake;
    wake = undefined;
    resolve?.();
  }

  function writeNext(): void {
    const next = ready.shift();
    if (next === undefined) return;
    isWriting = true;
    socket.write(next.block.subarray(0, next.usedBytes), () => {
      isWriting = false;
      free.push(next.block);
      writeNext();
      wakeUp();
    });
  }

  return {
    take,
    send: (block, usedBytes) => {
      ready.push({ block, usedBytes });
      if (!isWriting) writeNext();
    },
    isIdle: () => ready.length === 0,
    end: () => {
      hasEnded = true;
      ready.length = 0;
      wakeUp();
    },
  };
}
