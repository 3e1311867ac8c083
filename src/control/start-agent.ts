import type { Clock } from '../base/clock.ts';
import { KgetError, type Failure } from '../base/error.ts';
import { failureOf, quoted, type AgentProcess } from './agent-process.ts';
import type { Channel, Dialect, Launched } from './channel.ts';
import { firstLines, type FirstLines } from './first-lines.ts';
import { decodeMessage } from './message-lines.ts';
import { hello } from './messages.ts';
import { streamChannel } from './stream-channel.ts';

/** How long an agent may take from the start of its process to its first message. */
export const START_TIMEOUT_MS = 60_000;

export interface StartAgentOptions<Out, In> {
  readonly dialect: Dialect<Out, In>;
  readonly process: AgentProcess;
  readonly node: string;
  /** The version that the agent must have. */
  readonly version: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The agent's address when it does not know it. */
  readonly fallbackAddress: string;
  /** Reads whatever comes before the agent's first message, and throws if that will never come. */
  readonly prepare?: (lines: FirstLines) => Promise<void>;
}

/**
 * Waits for the first message of an agent whose process was just started. If that fails, the
 * process is stopped before the error is thrown.
 * @throws KgetError `unreachable`, `version`, `protocol`, `timeout`, `cancelled`, or as `prepare`
 */
export async function startAgent<Out, In>(
  options: StartAgentOptions<Out, In>,
): Promise<Launched<Out, In>> {
  const { process, node, dialect, fallbackAddress } = options;
  const lines = firstLines(process.child.stdout);
  try {
    const { address } = await unlessLate(readHello(options, lines), options);
    return {
      channel: processChannel(process, { node, dialect, alreadyRead: lines.release() }),
      address: address ?? fallbackAddress,
    };
  } catch (error) {
    await process.stop(0);
    process.child.stdout.destroy();
    throw error;
  }
}

async function readHello<Out, In>(options: StartAgentOptions<Out, In>, lines: FirstLines) {
  const { process, node, version, dialect, prepare } = options;
  const peer = `the agent on ${node}`;
  await prepare?.(lines);
  const line = await lines.next();
  if (line === undefined) {
    const end = await process.ended;
    const failure = failureOf(end, { node, words: process.lastWords() });
    const reason = failure?.message ?? `it ended without a word${quoted(process.lastWords())}`;
    throw new KgetError('unreachable', `Cannot start ${peer}: ${reason}`);
  }
  const first = decodeMessage(line, { schema: dialect.answers, peer });
  const said = hello.safeParse(first);
  if (!said.success) {
    const found = `its first message was "${typeOf(first)}", wanted "hello"`;
    throw new KgetError('protocol', `Cannot start ${peer}: ${found}`);
  }
  if (said.data.version === version) return said.data;
  throw new KgetError(
    'version',
    `Cannot use ${peer}: its version is ${said.data.version}, wanted ${version} as here`,
  );
}

type Limits = Pick<
  StartAgentOptions<unknown, unknown>,
  'node' | 'clock' | 'timeoutMs' | 'signal' | 'process'
>;

async function unlessLate<T>(work: Promise<T>, options: Limits): Promise<T> {
  const { node, clock, timeoutMs, signal } = options;
  const done = new AbortController();
  const late = clock.sleep(timeoutMs, done.signal).then(() => {
    const words = quoted(options.process.lastWords());
    const limit = `no answer within ${timeoutMs / 1000} s${words}`;
    throw new KgetError('timeout', `Cannot start the agent on ${node}: ${limit}`);
  });
  const cancelled = new Promise<never>((_resolve, reject) => {
    const cancel = () => {
      reject(new KgetError('cancelled', `Stopped starting the agent on ${node} on request`));
    };
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
    done.signal.addEventListener('abort', () => signal.removeEventListener('abort', cancel));
  });
  // The two that lose the race may reject with nobody listening.
  for (const loser of [work, late, cancelled]) loser.catch(() => {});
  try {
    return await Promise.race([work, late, cancelled]);
  } finally {
    done.abort();
  }
}

/**
 * The channel over a process's streams. It ends when the process is gone, not before: `onEnd` comes
 * up to `EXIT_GRACE_MS` + `TERMINATE_GRACE_MS` after the last message, and tells how the process
 * ended.
 */
function processChannel<Out, In>(
  process: AgentProcess,
  { node, dialect, alreadyRead }: { node: string; dialect: Dialect<Out, In>; alreadyRead: Buffer },
): Channel<Out, In> {
  let closed = false;
  const channel = streamChannel<Out, In>({
    readable: process.child.stdout,
    writable: process.child.stdin,
    schema: dialect.answers,
    peer: `the agent on ${node}`,
    alreadyRead,
  });

  async function verdict(failure: Failure | undefined): Promise<Failure | undefined> {
    const end = await process.stop();
    if (closed) return undefined;
    const words = process.lastWords();
    if (failure === undefined || failure.code === 'disconnected') {
      return failureOf(end, { node, words }) ?? failure;
    }
    return { code: failure.code, message: `${failure.message}${quoted(words)}` };
  }

  return {
    send: (message) => channel.send(message),
    onMessage: (listener) => channel.onMessage(listener),
    onEnd(listener) {
      channel.onEnd((failure) => {
        void verdict(failure).then(listener);
      });
    },
    close() {
      closed = true;
      channel.close();
      void process.stop();
    },
  };
}

function typeOf(message: unknown): string {
  const isTyped = typeof message === 'object' && message !== null && 'type' in message;
  return isTyped ? String(message.type) : 'nothing known';
}
