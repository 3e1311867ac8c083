import * as z from 'zod/mini';
import type { Clock } from '../base/clock.ts';
import { ERROR_CODES, KgetError, toFailure } from '../base/error.ts';
import type { Channel } from './channel.ts';
import type { MessageSchema } from './message-lines.ts';

/**
 * Calls and their results over a channel: for programs on nodes that do what they are told and
 * answer, without a mind of their own.
 */

/** What can be called, and what comes back. */
export type CallTable = Readonly<
  Record<string, { readonly request: z.ZodMiniType; readonly result: z.ZodMiniType }>
>;
export type RequestOf<T extends CallTable, Name extends keyof T> = z.infer<T[Name]['request']>;
export type ResultOf<T extends CallTable, Name extends keyof T> = z.infer<T[Name]['result']>;

/** Calls that one side may have under way. */
const MAX_CALLS = 1024;

const MAX_TEXT_CHARACTERS = 4000;

const id = z.int().check(z.nonnegative());
const said = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string().check(z.overwrite((words) => words.slice(0, MAX_TEXT_CHARACTERS))),
});

export const callMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('call'), id, name: z.string(), request: z.unknown() }),
  /** Stop what the call does; it still answers. */
  z.object({ type: z.literal('abort'), id }),
  z.object({ type: z.literal('ping') }),
  /** End in order. */
  z.object({ type: z.literal('leave') }),
]);

export const answerMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    version: z.string(),
    nodeVersion: z.string(),
    address: z.nullable(z.string()),
  }),
  z.object({ type: z.literal('result'), id, result: z.unknown() }),
  z.object({ type: z.literal('failure'), id, failure: said }),
  z.object({ type: z.literal('pong') }),
  z.object({ type: z.literal('notice'), text: said.shape.message }),
]);

export type CallMessage = z.infer<typeof callMessage>;
export type AnswerMessage = z.infer<typeof answerMessage>;

export interface CallOptions {
  /** The call is given up after that; the other side is told to stop. */
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
    const found = failure?.message ?? `Lost ${peer}`;
    for (const { settle } of waiting.values()) settle(new KgetError('disconnected', found));
    ended.abort();
  });

  async function answerTo(
    name: string,
    request: unknown,
    { limitMs, signal }: CallOptions,
  ): Promise<AnswerMessage> {
    if (ended.signal.aborted) throw new KgetError('disconnected', `Cannot ask ${peer}: it is gone`);
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
      await clock.sleep(limitMs, over.signal);
      if (over.signal.aborted) return;
      const limit = `no answer to "${name}" within ${limitMs / 1000} s`;
      abort(new KgetError('timeout', `Gave up on ${peer}: ${limit}`));
    };
    const onAbort = (): void => {
      abort(new KgetError('cancelled', `Stopped "${name}" of ${peer} on request`));
    };
    try {
      return await new Promise<AnswerMessage>((resolve, reject) => {
        waiting.set(callId, {
          settle: (answer) => (answer instanceof KgetError ? reject(answer) : resolve(answer)),
        });
        channel.send({ type: 'call', id: callId, name, request });
        signal?.addEventListener('abort', onAbort, { once: true });
        if (signal?.aborted === true) onAbort();
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
      const found = z.prettifyError(parsed.error).slice(0, 200);
      throw new KgetError('protocol', `Cannot use the answer of ${peer} to "${name}": ${found}`);
    },
    ended: ended.signal,
    close() {
      channel.send({ type: 'leave' });
      channel.close();
    },
  };
}

/** What each call does; `signal` is aborted when its caller has given it up, or is gone. */
export type Handlers<T extends CallTable> = {
  readonly [Name in keyof T & string]: (
    request: RequestOf<T, Name>,
    signal: AbortSignal,
  ) => Promise<ResultOf<T, Name>>;
};

/** Schema of messages that a callee takes. */
export const CALL_SCHEMA: MessageSchema<CallMessage> = callMessage;

/**
 * Answers the calls that come over a channel until it ends, or the caller says to leave; resolves
 * when all that was under way has answered.
 */
export async function answerCalls<T extends CallTable>(options: {
  readonly channel: Channel<AnswerMessage, CallMessage>;
  readonly table: T;
  readonly handlers: Handlers<T>;
}): Promise<void> {
  const { channel, table, handlers } = options;
  const running = new Map<number, { abort: AbortController; done: Promise<void> }>();

  async function answer(
    { id: callId, name, request }: Extract<CallMessage, { type: 'call' }>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      const entry = table[name];
      if (handler === undefined || entry === undefined) {
        throw new KgetError('protocol', `Cannot do "${name}": there is no such call`);
      }
      const parsed = z.safeParse(entry.request, request);
      if (!parsed.success) {
        const found = z.prettifyError(parsed.error).slice(0, 200);
        throw new KgetError('protocol', `Cannot do "${name}": ${found}`);
      }
      const result = await handler(parsed.data as RequestOf<T, string>, signal);
      channel.send({ type: 'result', id: callId, result });
    } catch (error) {
      channel.send({ type: 'failure', id: callId, failure: toFailure(error) });
    }
  }

  await new Promise<void>((resolve) => {
    channel.onEnd(() => resolve());
    channel.onMessage((message) => {
      if (message.type === 'ping') channel.send({ type: 'pong' });
      if (message.type === 'leave') return resolve();
      if (message.type === 'abort') running.get(message.id)?.abort.abort();
      if (message.type !== 'call') return;
      const abort = new AbortController();
      const done = answer(message, abort.signal).finally(() => running.delete(message.id));
      running.set(message.id, { abort, done });
    });
  });
  for (const { abort } of running.values()) abort.abort();
  await Promise.allSettled([...running.values()].map(({ done }) => done));
  channel.close();
}
