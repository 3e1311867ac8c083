import type { Failure } from '../base/error.ts';
import type { AgentMessage, CoordinatorMessage } from './messages.ts';

/**
 * The port between the coordinator and one agent: an ordered, reliable stream of messages each way.
 *
 * - Messages arrive whole, in the order in which they were sent, or not at all.
 * - `send` never blocks and never throws; after the end it does nothing. A sender that outruns the
 *   other side by more than `MAX_QUEUED_BYTES` ends the channel with `disconnected`.
 * - `onMessage` and `onEnd` are set once, before the first message is awaited; messages that
 * arrived
 *   earlier are kept and delivered then.
 * - `onEnd` is called exactly once, with no failure after an orderly close by either side.
 * - Whatever arrives is checked against the schema; anything else ends the channel with `protocol`.
 */
export interface Channel<Out, In> {
  send(message: Out): void;
  onMessage(listener: (message: In) => void): void;
  onEnd(listener: (failure?: Failure) => void): void;
  /** Flushes what was sent, then ends both directions. Idempotent. */
  close(): void;
}

/** The coordinator's end of a channel. */
export type CoordinatorChannel = Channel<CoordinatorMessage, AgentMessage>;

/** The agent's end of a channel. */
export type AgentChannel = Channel<AgentMessage, CoordinatorMessage>;

/** What of it is needed to say something. */
export type AgentOutlet = Pick<AgentChannel, 'send'>;

/** Starts agents. Implementations: ssh, local processes, memory (tests). */
export interface AgentLauncher {
  /**
   * Starts an agent on `node` and resolves when its `hello` message has arrived and named our
   * version. Abort through `signal` ends what was started. When it rejects, nothing of it is left
   * running.
   * @throws KgetError `unreachable`, `no-node`, `version`, `timeout`, `cancelled`; and when the
   *   agent cannot be put on the node or does not speak as it should: `target-unwritable`,
   * `no-room`,
   *   `corrupt`, `protocol`; `usage` for a node name that cannot be one
   */
  launch(node: string, signal: AbortSignal): Promise<LaunchedAgent>;
}

export interface LaunchedAgent {
  readonly channel: CoordinatorChannel;
  /** The address at which other agents reach this one. */
  readonly address: string;
}
