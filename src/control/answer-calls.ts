import * as z from 'zod/mini';
import { KgetError, toFailure } from '../base/error.ts';
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

/** What each call does; `signal` is aborted when its caller has given it up, or is gone. */
export type Handlers<T extends CallTable> = {
  readonly [Name in keyof T & string]: (
    request: RequestOf<T, Name>,
    signal: AbortSignal,
  ) => Promise<ResultOf<T, Name>>;
};

interface CalleeOptions<T extends CallTable> {
  readonly channel: Channel<AnswerMessage, CallMessage>;
  readonly table: T;
  readonly handlers: Handlers<T>;
}

type Call = Extract<CallMessage, { type: 'call' }>;

/**
 * Answers the calls that come over a channel until it ends, or the caller says to leave: then it
 * aborts what is under way, and resolves when all of it has answered.
 */
export async function answerCalls<T extends CallTable>(options: CalleeOptions<T>): Promise<void> {
  const { channel } = options;
  const running = new Map<number, { abort: AbortController; done: Promise<void> }>();

  function begin(call: Call): void {
    const refusal = refusalOf(call.id, running);
    if (refusal !== undefined) {
      channel.send({ type: 'failure', id: call.id, failure: toFailure(refusal) });
      return;
    }
    const abort = new AbortController();
    const done = answer(call, { ...options, signal: abort.signal }).finally(() =>
      running.delete(call.id),
    );
    running.set(call.id, { abort, done });
  }

  let isLeaving = false;
  await new Promise<void>((resolve) => {
    const leave = (): void => {
      isLeaving = true;
      resolve();
    };
    channel.onEnd(leave);
    channel.onMessage((message) => {
      if (isLeaving) return;
      switch (message.type) {
        case 'call':
          return begin(message);
        case 'abort':
          return running.get(message.id)?.abort.abort();
        case 'ping':
          return channel.send({ type: 'pong' });
        case 'leave':
          return leave();
        default:
          message satisfies never;
      }
    });
  });
  for (const { abort } of running.values()) abort.abort();
  await Promise.allSettled([...running.values()].map(({ done }) => done));
  channel.close();
}

/** Why a call is not begun, if so: its caller does not keep to what was agreed. */
function refusalOf(callId: number, running: ReadonlyMap<number, unknown>): KgetError | undefined {
  if (running.has(callId)) {
    return new KgetError('protocol', `Cannot begin call ${callId}: it is under way already`);
  }
  if (running.size < MAX_CALLS) return undefined;
  const found = `${running.size} are under way, at most ${MAX_CALLS} may be`;
  return new KgetError('protocol', `Cannot begin call ${callId}: ${found}`);
}

async function answer<T extends CallTable>(
  { id: callId, name, request }: Call,
  options: CalleeOptions<T> & { readonly signal: AbortSignal },
): Promise<void> {
  const { channel, table, handlers, signal } = options;
  try {
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    if (handler === undefined || entry === undefined) {
      throw new KgetError('protocol', `Cannot do "${excerpt(name)}": there is no such call`);
    }
    const parsed = z.safeParse(entry.request, request);
    if (!parsed.success) {
      const found = excerpt(z.prettifyError(parsed.error), MAX_SHOWN_CHARACTERS);
      throw new KgetError('protocol', `Cannot do "${name}": ${found}`);
    }
    const result = await handler(parsed.data as RequestOf<T, string>, signal);
    channel.send({ type: 'result', id: callId, result });
  } catch (error) {
    channel.send({ type: 'failure', id: callId, failure: toFailure(error) });
  }
}
