import * as z from 'zod/mini';
import type { Clock } from '../../src/base/clock.ts';
import {
  answerCalls,
  answerMessage,
  callMessage,
  caller,
  type AnswerMessage,
  type Caller,
  type CallMessage,
  type Handlers,
} from '../../src/control/calls.ts';
import type { Channel } from '../../src/control/channel.ts';
import { memoryPair } from '../../src/control/memory-channel.ts';
import { steppedClock } from './clocks.ts';

export const TABLE = {
  /** Gives back what it is given. */
  echo: {
    request: z.object({ text: z.string() }),
    result: z.object({ text: z.string() }),
  },
  /** Ends when it is aborted. */
  wait: { request: z.object({}), result: z.object({}) },
};

type Table = typeof TABLE;

/** Handlers, and what was begun and aborted of `wait`. */
export interface Answerer {
  readonly handlers: Handlers<Table>;
  readonly begun: AbortSignal[];
}

export function answerer(more: Partial<Handlers<Table>> = {}): Answerer {
  const begun: AbortSignal[] = [];
  return {
    begun,
    handlers: {
      echo: (request) => Promise.resolve(request),
      async wait(_, signal) {
        begun.push(signal);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return {};
      },
      ...more,
    },
  };
}

export function channels(): [
  here: Channel<CallMessage, AnswerMessage>,
  there: Channel<AnswerMessage, CallMessage>,
] {
  return memoryPair<CallMessage, AnswerMessage>({
    here: { schema: answerMessage, peer: 'node07' },
    there: { schema: callMessage, peer: 'the coordinator' },
  });
}

export interface CallPair {
  readonly near: Caller<Table>;
  readonly clock: ReturnType<typeof steppedClock>;
  readonly notices: string[];
  /** Resolves when `answerCalls` has. */
  readonly left: Promise<void>;
  /** The answering side's end. */
  readonly far: Channel<AnswerMessage, CallMessage>;
}

/** Both sides of calls, over memory. */
export function callPair({ handlers }: Answerer = answerer()): CallPair {
  const [here, far] = channels();
  const left = answerCalls({ channel: far, table: TABLE, handlers });
  const clock = steppedClock();
  const notices: string[] = [];
  return { near: callOver(here, { clock, notices }), clock, notices, left, far };
}

export function callOver(
  channel: Channel<CallMessage, AnswerMessage>,
  { clock, notices = [] }: { readonly clock: Clock; readonly notices?: string[] },
): Caller<Table> {
  const onNotice = (text: string): void => void notices.push(text);
  return caller({ channel, table: TABLE, clock, peer: 'node07', onNotice });
}
