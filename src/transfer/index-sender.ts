import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { KgetError } from '../base/error.ts';
import type { ImageIndex } from '../content/image.ts';
import { encodeDigestRuns } from './digest-runs.ts';
import { encodeFrame, FrameType } from './frame.ts';
import { INDEX_BATCH, INDEX_GROUP, MAX_ASKED_DIGESTS } from './limits.ts';

export interface IndexSenderOptions {
  readonly index: ImageIndex;
  /** Where `send` puts frames. */
  readonly socket: Writable;
  /** Ends the waits for a scan. */
  readonly signal: AbortSignal;
  readonly send: (frame: Buffer) => void;
  /** The scan has failed: KgetError `source-unreadable`, `source-changed`. */
  readonly onError: (error: unknown) => void;
}

/**
 * Answers requests for digests in their order, each as soon as the scan allows and in as many
 * frames as it takes.
 */
export interface IndexSender {
  /**
   * @throws KgetError `protocol` if the request does not follow the one before, or too much is
   * asked
   */
  ask(first: number, count: number): void;
  /** Whether everything that was asked has been answered. */
  isIdle(): boolean;
  /** Whether the next answer waits for the scan. */
  isWaiting(): boolean;
}

export function indexSender(options: IndexSenderOptions): IndexSender {
  const { index, signal, socket } = options;
  let answered = 0;
  let asked = 0;
  let isAnswering = false;
  let isWaiting = false;

  function ask(first: number, count: number): void {
    const end = first + count;
    const isNext = first === asked && count >= 1 && end <= index.chunkCount;
    if (!isNext || end - answered > MAX_ASKED_DIGESTS) {
      throw new KgetError(
        'protocol',
        `Cannot give ${count} digests from ${first} on: ${asked} of ${index.chunkCount} were asked for ` +
          `so far, and at most ${MAX_ASKED_DIGESTS} may be outstanding (${asked - answered} are)`,
      );
    }
    asked = end;
    if (!isAnswering) void answer();
  }

  async function answer(): Promise<void> {
    isAnswering = true;
    try {
      while (answered < asked && !signal.aborted) await answerSome();
    } catch (error) {
      if (!signal.aborted) options.onError(error);
    }
    isAnswering = false;
  }

  async function answerSome(): Promise<void> {
    const group = Math.min(answered + INDEX_GROUP, asked);
    isWaiting = index.known() < group;
    if (isWaiting) await index.waitFor(group - 1, signal);
    isWaiting = false;
    // A receiver that asks and does not read must not make us keep the answers.
    if (socket.writableNeedDrain) await once(socket, 'drain', { signal });
    if (signal.aborted) return;
    const count = Math.min(index.known(), asked, answered + INDEX_BATCH) - answered;
    const digests = index.read(answered, count);
    options.send(encodeFrame(FrameType.index, encodeDigestRuns(digests), answered));
    answered += count;
  }

  return { ask, isIdle: () => answered === asked, isWaiting: () => isWaiting };
}
