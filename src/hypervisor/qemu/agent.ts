import { createConnection, type Socket } from 'node:net';
import * as z from 'zod/mini';
import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';

/** Bytes of one answer; those that are used here have less than a hundred. */
const MAX_LINE_CHARACTERS = 65_536;
/** Answers to earlier questions, that nobody waited for any more, before the agent is given up. */
const MAX_STALE_ANSWERS = 100;

export interface AgentOptions {
  readonly path: string;
  readonly clock: Clock;
  /** The machine, for errors. */
  readonly title: string;
  /** For all questions together. */
  readonly limitMs: number;
}

/** Asks the guest agent for something; what it returns. @throws KgetError `protocol` if it refuses */
export type AskAgent = (command: string) => Promise<unknown>;

const answer = z.union([
  z.object({ error: z.object({ desc: z.string() }) }),
  z.object({ return: z.unknown() }),
]);

/**
 * Speaks with the guest agent of a machine (QEMU, docs/interop/qemu-ga-ref): first `guest-sync`, so
 * that answers to earlier questions are passed over.
 * @throws KgetError `timeout` if no agent answers in time; `protocol` if it refuses something;
 *   `unreachable` if the machine has no agent's socket
 */
export async function withAgent<Result>(
  options: AgentOptions,
  work: (ask: AskAgent) => Promise<Result>,
): Promise<Result> {
  const { path, clock, title, limitMs } = options;
  const over = new AbortController();
  const socket = createConnection(path);
  const lines = readLines(socket, title);
  const late = clock.sleep(limitMs, over.signal).then(() => {
    const found = `no answer within ${limitMs / 1000} s`;
    throw new KgetError('timeout', `Gave up on the guest agent of ${title}: ${found}`);
  });
  const ask = async (command: string, values?: object): Promise<unknown> => {
    const question = values === undefined ? {} : { arguments: values };
    socket.write(`${JSON.stringify({ execute: command, ...question })}\n`);
    const found = answer.parse(JSON.parse(await lines.next()));
    if (!('error' in found)) return found.return;
    const refusal = `it refuses ${command}: ${found.error.desc}`;
    throw new KgetError('protocol', `Cannot use the guest agent of ${title}: ${refusal}`);
  };
  const talk = async (): Promise<Result> => {
    // Must differ from that of whoever asked before and was not answered.
    const id = Math.floor(clock.nowMs() * 1000) % 2 ** 31;
    let found = await ask('guest-sync', { id });
    for (let stale = 0; found !== id; stale += 1) {
      if (stale === MAX_STALE_ANSWERS) {
        throw new KgetError(
          'protocol',
          `Cannot use the guest agent of ${title}: no end of answers`,
        );
      }
      found = parseReturn(await lines.next());
    }
    return work(ask);
  };
  try {
    const talking = talk();
    talking.catch(() => undefined);
    return await Promise.race([talking, late]);
  } finally {
    late.catch(() => undefined);
    over.abort();
    socket.destroy();
  }
}

function parseReturn(line: string): unknown {
  const found = answer.safeParse(JSON.parse(line));
  return found.success && 'return' in found.data ? found.data.return : undefined;
}

function noOp(): void {}

function readLines(socket: Socket, title: string): { next(): Promise<string> } {
  const lines: string[] = [];
  let rest = '';
  let failure: KgetError | undefined;
  let wake = noOp;
  const fail = (found: string): void => {
    failure ??= new KgetError('unreachable', `Lost the guest agent of ${title}: ${found}`);
    wake();
  };
  socket.setEncoding('latin1');
  socket.on('error', (error) => fail(error.message)).on('close', () => fail('it hung up'));
  socket.on('data', (text: string) => {
    // The byte 0xff, which ends what the agent said before, is part of no answer.
    const parts = `${rest}${text.replaceAll('\u00ff', '')}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.filter((line) => line.trim() !== ''));
    if (rest.length + lines.length > MAX_LINE_CHARACTERS) socket.destroy();
    wake();
  });
  return {
    async next() {
      for (;;) {
        const line = lines.shift();
        if (line !== undefined) return line;
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
