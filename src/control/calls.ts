import * as z from 'zod/mini';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import {
  MAX_CALLS,
  MAX_SHOWN_CHARACTERS,
  type AnswerMessage,
  type CallMessage,
  type CallTable,
  type RequestOf,
  type ResultOf,
} from './call-messages.ts';
import type { Channel } from './channel.ts';
import { excerpt } from './message-lines.ts';

export { answerCalls, type Handlers } from './answer-calls.ts';
export * from './call-messages.ts';

/** The longest limit of a call: timers of Node.js that are to wait longer do not wait at all. */
export const MAX_LIMIT_MS = 2 ** 31 - 1;

interface CallOptions {
  /** The call is given up after that, or `MAX_LIMIT_MS`; the other side is told to stop. */
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

/** Calls what is at the other end of a channel. */
export interface Caller<T extends CallTable> {
  /**
   * @throws KgetError what the call threw there; `disconnected`, `timeout`, `cancelled`; `protocol`
   *   for a result that is none
   */
  call<Name extends keyof T & string>(
    name: Name,
    request: RequestOf<T, Name>,
    options: CallOptions,
  ): Promise<ResultOf<T, Name>>;
  /** Aborted when the channel has ended. */
  readonly ended: AbortSignal;
  close(): void;
}

export interface CallerOptions<T extends CallTable> {
  readonly channel: Channel<CallMessage, AnswerMessage>;
  readonly table: T;
  readonly clock: Clock;
  /** Who answers, for errors: `the host agent on node07`. */
  readonly peer: string;
  onNotice(text: string): void;
}

interface Waiting {
  settle(answer: AnswerMessage | KgetError): void;
}

export function caller<T extends CallTable>(options: CallerOptions<T>): Caller<T> {
  const { channel, table, clock, peer } = options;
  const waiting = new Map<number, Waiting>();
  const ended = new AbortController();
  let next = 0;

  channel.onMessage((answer) => {
    if (answer.type === 'notice') options.onNotice(answer.text);
    if (answer.type === 'result' || answer.type === 'failure')
      waiting.get(answer.id)?.settle(answer);
  });
  channel.onEnd((failure) => {
    ended.abort();
    const found = failure?.message ?? `Lost ${peer}: it ended the connection`;
    for (const { settle } of waiting.values()) settle(new KgetError('disconnected', found));
  });

  async function answerTo(
    name: string,
    request: unknown,
    { limitMs, signal }: CallOptions,
  ): Promise<AnswerMessage> {
    if (ended.signal.aborted) throw new KgetError('disconnected', `Cannot ask ${peer}: it is gone`);
    const onRequest = (): KgetError =>
      new KgetError('cancelled', `Stopped "${name}" of ${peer} on request`);
    if (signal?.aborted === true) throw onRequest();
    if (waiting.size >= MAX_CALLS) {
      throw new KgetError('internal', `Cannot ask ${peer}: ${MAX_CALLS} calls are under way`);
    }
    const callId = next++;
    const over = new AbortController();
    const abort = (error: KgetError): void => {
      channel.send({ type: 'abort', id: callId });
      waiting.get(callId)?.settle(error);
    };
    const giveUpLate = async (): Promise<void> => {
      await clock.sleep(Math.min(limitMs, MAX_LIMIT_MS), over.signal);
      if (over.signal.aborted) return;
      const limit = `no answer to "${name}" within ${limitMs / 1000} s`;
      abort(new KgetError('timeout', `Gave up on ${peer}: ${limit}`));
    };
    const onAbort = (): void => abort(onRequest());
    try {
      return await new Promise<AnswerMessage>((resolve, reject) => {
        waiting.set(callId, {
          settle: (answer) => (answer instanceof KgetError ? reject(answer) : resolve(answer)),
        });
        channel.send({ type: 'call', id: callId, name, request });
        signal?.addEventListener('abort', onAbort, { once: true });
        void giveUpLate();
      });
    } finally {
      waiting.delete(callId);
      signal?.removeEventListener('abort', onAbort);
      over.abort();
    }
  }

  return {
    async call(name, request, terms) {
      const answer = await answerTo(name, request, terms);
      if (answer.type === 'failure') {
        throw new KgetError(answer.failure.code, answer.failure.message);
      }
      const result = answer.type === 'result' ? answer.result : undefined;
      const parsed = z.safeParse(table[name]?.result ?? z.never(), result);
      if (parsed.success) return parsed.data as ResultOf<T, typeof name>;
      const found = excerpt(z.prettifyError(parsed.error), MAX_SHOWN_CHARACTERS);
      throw new KgetError('protocol', `Cannot use the answer of ${peer} to "${name}": ${found}`);
    },
    ended: ended.signal,
    close() {
      channel.send({ type: 'leave' });
      channel.close();
    },
  };
}
