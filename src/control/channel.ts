import type { Failure } from '../base/error.ts';
import type { MessageSchema } from './message-lines.ts';
import { agentMessage, type AgentMessage, type CoordinatorMessage } from './messages.ts';

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

/** What can be said to programs of a kind on nodes, and what they answer. */
export interface Dialect<Out, In> {
  readonly answers: MessageSchema<In>;
  /** Only a type. */
  readonly orders?: Out;
}

/** What coordinators and agents speak. */
export const AGENT_DIALECT: Dialect<CoordinatorMessage, AgentMessage> = { answers: agentMessage };

/** A bundled program for nodes. */
export interface Program<Out, In> {
  readonly agentFile: string;
  /** The version that it must have. */
  readonly version: string;
  readonly dialect: Dialect<Out, In>;
}

/** Starts agents. Implementations: ssh, local processes, memory (tests). */
export type AgentLauncher = Launcher<CoordinatorMessage, AgentMessage>;

/** Starts programs on nodes that speak one dialect; their first message is `hello`. */
export interface Launcher<Out, In> {
  /**
   * Starts an agent on `node` and resolves when its `hello` message has arrived and named our
   * version. Abort through `signal` ends what was started. When it rejects, nothing of it is left
   * running.
   * @throws KgetError `unreachable`, `no-node`, `version`, `timeout`, `cancelled`; and when the
   *   agent cannot be put on the node or does not speak as it should: `target-unwritable`,
   * `no-room`,
   *   `corrupt`, `protocol`; `usage` for a node name that cannot be one
   */
  launch(node: string, signal: AbortSignal): Promise<Launched<Out, In>>;
}

export type LaunchedAgent = Launched<CoordinatorMessage, AgentMessage>;

export interface Launched<Out, In> {
  readonly channel: Channel<Out, In>;
  /** The address at which other nodes reach this one. */
  readonly address: string;
}
