import { createConnection } from 'node:net';
import * as z from 'zod/mini';
import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import { agentLines } from './agent-lines.ts';

/** Answers to earlier questions, that nobody waited for any more, before the agent is given up. */
const MAX_STALE_ANSWERS = 100;

export interface AgentOptions {
  readonly path: string;
  readonly clock: Clock;
  /** The machine, for errors. */
  readonly title: string;
  /** For the agent to answer at all. */
  readonly limitMs: number;
}

/** A conversation with the agent in a guest; nobody else can have one meanwhile. */
export interface AgentSession {
  /**
   * Asks for something; what it returns.
   * @throws KgetError `protocol` if it refuses, or says what is no answer; `timeout`; `unreachable`
   */
  ask(command: string, limitMs: number): Promise<unknown>;
  close(): void;
}

const answer = z.union([
  z.object({ error: z.object({ desc: z.string() }) }),
  z.object({ return: z.unknown() }),
]);

type Answer = z.infer<typeof answer>;

/**
 * Begins to speak with the guest agent of a machine (QEMU, docs/interop/qemu-ga-ref): first
 * `guest-sync`, so that answers to earlier questions are passed over.
 * @throws KgetError `timeout` if no agent answers in time; `protocol` if it refuses; `unreachable` if
 *   the machine has no agent's socket
 */
export async function openAgent(options: AgentOptions): Promise<AgentSession> {
  const { path, clock, title, limitMs } = options;
  const socket = createConnection(path);
  const lines = agentLines(socket, title);

  async function answerTo(command: string, values?: object): Promise<Answer> {
    const question = values === undefined ? {} : { arguments: values };
    socket.write(`${JSON.stringify({ execute: command, ...question })}\n`);
    return readAnswer(await lines.next(), title);
  }

  async function synchronise(): Promise<void> {
    // Must differ from that of whoever asked before and was not answered.
    const id = Math.floor(clock.nowMs() * 1000) % 2 ** 31;
    let found = await answerTo('guest-sync', { id });
    for (let stale = 0; !('return' in found) || found.return !== id; stale += 1) {
      if (stale === MAX_STALE_ANSWERS) throw faulty(title, 'no end of answers');
      found = readAnswer(await lines.next(), title);
    }
  }

  const limit = { clock, title };
  try {
    await within(synchronise(), { ...limit, limitMs });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    async ask(command, askLimitMs) {
      const found = await within(answerTo(command), { ...limit, limitMs: askLimitMs });
      if ('return' in found) return found.return;
      throw faulty(title, `it refuses ${command}: ${found.error.desc}`);
    },
    close: () => socket.destroy(),
  };
}

/** Speaks with the guest agent of a machine, and hangs up. @throws KgetError as `openAgent` */
export async function withAgent<Result>(
  options: AgentOptions,
  work: (session: AgentSession) => Promise<Result>,
): Promise<Result> {
  const session = await openAgent(options);
  try {
    return await work(session);
  } finally {
    session.close();
  }
}

function readAnswer(line: string, title: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw faulty(title, 'what it says is no JSON');
  }
  const found = answer.safeParse(value);
  if (found.success) return found.data;
  throw faulty(title, 'what it says is no answer');
}

async function within<Result>(
  work: Promise<Result>,
  {
    clock,
    title,
    limitMs,
  }: { readonly clock: Clock; readonly title: string; readonly limitMs: number },
): Promise<Result> {
  const over = new AbortController();
  const late = clock.sleep(limitMs, over.signal).then((): never => {
    const found = `no answer within ${limitMs / 1000} s`;
    throw new KgetError('timeout', `Gave up on the guest agent of ${title}: ${found}`);
  });
  // The one that loses the race may reject with nobody listening.
  for (const loser of [work, late]) loser.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

function faulty(title: string, found: string): KgetError {
  return new KgetError('protocol', `Cannot use the guest agent of ${title}: ${found}`);
}
