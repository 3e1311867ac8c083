import { createConnection, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { KgetError, systemCode } from '../../base/error.ts';
import { parseQmpLine, type QmpAnswer, type QmpEvent, type Values } from './qmp-line.ts';

/** Bytes of one line that QEMU may say: answers about a machine's disks have some 100 KiB. */
const MAX_LINE_CHARACTERS = 16 * 2 ** 20;
/** Commands of one connection that may be under way. */
const MAX_COMMANDS = 256;

export interface QmpOptions {
  readonly path: string;
  readonly clock: Clock;
  /** The machine, for errors. */
  readonly title: string;
  /** For the greeting, and for each command that names no other. */
  readonly limitMs: number;
}

/** A connection to QEMU's monitor (QEMU, docs/interop/qmp-spec.rst). */
export interface Qmp {
  /**
   * @returns what QEMU returns
   * @throws QmpRefusal if QEMU refuses; KgetError `timeout`, or `cancelled` if QEMU has ended
   */
  execute(command: string, values?: Values, options?: { limitMs?: number }): Promise<unknown>;
  /** Calls back for each event from now on; the answer ends that. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
  /** Aborted when the connection is gone. */
  readonly ended: AbortSignal;
  close(): void;
}

/** What QEMU said to a command that it does not carry out. */
export class QmpRefusal extends KgetError {
  readonly reason: string;

  constructor(title: string, command: string, reason: string) {
    const isRoom = /No space left|Cannot allocate memory/i.test(reason);
    super(isRoom ? 'no-room' : 'internal', `QEMU of ${title} refuses ${command}: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Connects, and makes the monitor ready for commands.
 * @throws KgetError `unreachable` if nobody listens; `timeout` if nothing is said: a monitor serves
 *   one client at a time
 */
export async function connectQmp(options: QmpOptions): Promise<Qmp> {
  const { path, clock, title, limitMs } = options;
  const socket = await connect(path, title);
  const waiting = new Map<number, (answer: QmpAnswer | KgetError) => void>();
  const listeners = new Set<(event: QmpEvent) => void>();
  const ended = new AbortController();
  const GREETING = -1;
  let next = 0;
  let rest = '';

  function end(): void {
    if (ended.signal.aborted) return;
    ended.abort();
    socket.destroy();
    const gone = new KgetError('cancelled', `Lost QEMU of ${title}: the machine has ended`);
    for (const settle of waiting.values()) settle(gone);
  }
  socket.setEncoding('utf8');
  socket.on('error', end).on('close', end);
  socket.on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARACTERS) return end();
    for (const line of lines) {
      const said = parseQmpLine(line);
      if (said?.kind === 'event') for (const listener of listeners) listener(said);
      if (said?.kind === 'greeting')
        waiting.get(GREETING)?.({ kind: 'answer', value: null, id: 0 });
      if (said?.kind === 'answer' || said?.kind === 'refusal') waiting.get(said.id)?.(said);
    }
  });

  async function answerTo(id: number, what: string, waitMs: number): Promise<unknown> {
    if (ended.signal.aborted) {
      throw new KgetError('cancelled', `Cannot ask QEMU of ${title}: the machine has ended`);
    }
    if (waiting.size >= MAX_COMMANDS) {
      throw new KgetError('internal', `Cannot ask QEMU of ${title}: too many commands`);
    }
    const over = new AbortController();
    const giveUpLate = async (settle: (error: KgetError) => void): Promise<void> => {
      await clock.sleep(waitMs, over.signal);
      const found = `no answer to ${what} within ${waitMs / 1000} s`;
      settle(new KgetError('timeout', `Gave up on QEMU of ${title}: ${found}`));
    };
    try {
      const answer = await new Promise<QmpAnswer | KgetError>((resolve) => {
        waiting.set(id, resolve);
        void giveUpLate(resolve);
      });
      if (answer instanceof KgetError) throw answer;
      if (answer.kind === 'refusal') throw new QmpRefusal(title, what, answer.reason);
      return answer.value;
    } finally {
      waiting.delete(id);
      over.abort();
    }
  }

  async function execute(
    command: string,
    values: Values = {},
    terms: { limitMs?: number } = {},
  ): Promise<unknown> {
    const id = next++;
    const answer = answerTo(id, command, terms.limitMs ?? limitMs);
    socket.write(`${JSON.stringify({ execute: command, arguments: values, id })}\n`);
    return answer;
  }

  try {
    await answerTo(GREETING, 'the greeting', limitMs);
    await execute('qmp_capabilities');
  } catch (error) {
    end();
    throw error;
  }
  return {
    execute,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ended: ended.signal,
    close: end,
  };
}

async function connect(path: string, title: string): Promise<Socket> {
  const socket = createConnection(path);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
  } catch (cause) {
    const found = systemCode(cause) ?? String(cause);
    throw new KgetError('unreachable', `Cannot reach QEMU of ${title} at ${path}: ${found}`, {
      cause,
    });
  }
  return socket;
}
