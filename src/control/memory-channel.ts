import { toFailure, type Failure } from '../base/error.ts';
import type { AgentChannel, Channel, CoordinatorChannel } from './channel.ts';
import { endReport } from './end-report.ts';
import { decodeMessage, encodeMessage, refusalOf, type MessageSchema } from './message-lines.ts';
import {
  agentMessage,
  coordinatorMessage,
  type AgentMessage,
  type CoordinatorMessage,
} from './messages.ts';

/** Both ends of the channel between a coordinator and an agent: see `memoryPair`. */
export function memoryChannelPair(): { coordinator: CoordinatorChannel; agent: AgentChannel } {
  const [coordinator, agent] = memoryPair<CoordinatorMessage, AgentMessage>({
    here: { schema: agentMessage, peer: 'the agent' },
    there: { schema: coordinatorMessage, peer: 'the coordinator' },
  });
  return { coordinator, agent };
}

/** What an end of a channel takes in, and from whom. */
interface Intake<In> {
  readonly schema: MessageSchema<In>;
  readonly peer: string;
}

/**
 * Both ends of a channel within one process, for tests and simulation. Messages go through the same
 * encoding and checks as on a wire, and arrive in a later microtask, so nothing depends on real
 * time.
 */
export function memoryPair<Out, In>(ends: {
  readonly here: Intake<In>;
  readonly there: Intake<Out>;
}): [here: Channel<Out, In>, there: Channel<In, Out>] {
  const outward = lineQueue();
  const inward = lineQueue();
  return [
    memoryEnd({ ...ends.here, from: inward, to: outward }),
    memoryEnd({ ...ends.there, from: outward, to: inward }),
  ];
}

/** One direction of a channel: lines on their way, and how the sender ended. */
interface LineQueue {
  queuedBytes(): number;
  put(line: Buffer): void;
  /** Ends the queue behind the lines that are in it. */
  end(failure?: Failure): void;
  /** Calls back in a microtask of its own for each line, then for the end. */
  listen(onLine: (line: Buffer) => void, onEnd: (failure?: Failure) => void): void;
}

function lineQueue(): LineQueue {
  const lines: Buffer[] = [];
  let bytes = 0;
  let scheduled = false;
  let onLine: ((line: Buffer) => void) | undefined;
  const ending = endReport();
  const drained = endReport();

  function schedule(): void {
    if (scheduled || onLine === undefined) return;
    scheduled = true;
    queueMicrotask(deliver);
  }

  function deliver(): void {
    scheduled = false;
    const line = lines.shift();
    if (line === undefined) {
      if (ending.ended) ending.listen(drained.end);
      return;
    }
    bytes -= line.length;
    schedule();
    onLine?.(line);
  }

  return {
    queuedBytes: () => bytes,
    put(line) {
      if (ending.ended) return;
      lines.push(line);
      bytes += line.length;
      schedule();
    },
    end(failure) {
      ending.end(failure);
      schedule();
    },
    listen(lineListener, endListener) {
      onLine = lineListener;
      drained.listen(endListener);
      schedule();
    },
  };
}

interface MemoryEndOptions<In> extends Intake<In> {
  readonly from: LineQueue;
  readonly to: LineQueue;
}

function memoryEnd<Out, In>({ from, to, schema, peer }: MemoryEndOptions<In>): Channel<Out, In> {
  const report = endReport();

  function finish(failure?: Failure): void {
    if (report.ended) return;
    report.end(failure);
    to.end(
      failure && { code: 'disconnected', message: 'The control channel broke at the other end' },
    );
  }

  return {
    send(message) {
      if (report.ended) return;
      const line = encodeMessage(message);
      const refusal = refusalOf({ peer, lineBytes: line.length, queuedBytes: to.queuedBytes() });
      if (refusal === undefined) to.put(line);
      else finish(refusal);
    },
    onMessage(listener) {
      from.listen((line) => {
        if (report.ended) return;
        let message: In;
        try {
          message = decodeMessage(line.toString('utf8'), { schema, peer });
        } catch (error) {
          finish(toFailure(error));
          return;
        }
        listener(message);
      }, finish);
    },
    onEnd: report.listen,
    close: () => finish(),
  };
}
