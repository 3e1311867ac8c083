import type { Clock } from '../base/clock.ts';
import { KgetError, type Failure } from '../base/error.ts';
import { failureOf, quoted, type AgentProcess } from './agent-process.ts';
import type { CoordinatorChannel, LaunchedAgent } from './channel.ts';
import { firstLines, type FirstLines } from './first-lines.ts';
import { decodeMessage } from './message-lines.ts';
import { agentMessage } from './messages.ts';
import { streamChannel } from './stream-channel.ts';

/** How long an agent may take from the start of its process to its first message. */
export const START_TIMEOUT_MS = 60_000;

export interface StartAgentOptions {
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
export async function startAgent(options: StartAgentOptions): Promise<LaunchedAgent> {
  const { process, node, fallbackAddress } = options;
  const lines = firstLines(process.child.stdout);
  try {
    const hello = await unlessLate(readHello(options, lines), options);
    return {
      channel: processChannel(process, { node, alreadyRead: lines.release() }),
      address: hello.address ?? fallbackAddress,
    };
  } catch (error) {
    await process.stop(0);
    process.child.stdout.destroy();
    throw error;
  }
}

async function readHello(options: StartAgentOptions, lines: FirstLines) {
  const { process, node, version, prepare } = options;
  const peer = `the agent on ${node}`;
  await prepare?.(lines);
  const line = await lines.next();
  if (line === undefined) {
    const end = await process.ended;
    const failure = failureOf(end, { node, words: process.lastWords() });
    const reason = failure?.message ?? `it ended without a word${quoted(process.lastWords())}`;
    throw new KgetError('unreachable', `Cannot start ${peer}: ${reason}`);
  }
  const hello = decodeMessage(line, { schema: agentMessage, peer });
  if (hello.type !== 'hello') {
    const found = `its first message was "${hello.type}", wanted "hello"`;
    throw new KgetError('protocol', `Cannot start ${peer}: ${found}`);
  }
  if (hello.version === version) return hello;
  throw new KgetError(
    'version',
    `Cannot use ${peer}: its version is ${hello.version}, wanted ${version} as here`,
  );
}

async function unlessLate<T>(work: Promise<T>, options: StartAgentOptions): Promise<T> {
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
function processChannel(
  process: AgentProcess,
  { node, alreadyRead }: { node: string; alreadyRead: Buffer },
): CoordinatorChannel {
  let closed = false;
  const channel: CoordinatorChannel = streamChannel({
    readable: process.child.stdout,
    writable: process.child.stdin,
    schema: agentMessage,
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
