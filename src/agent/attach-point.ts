import * as z from 'zod/mini';
import type { Channel } from '../control/channel.ts';
import { agentMessage, coordinatorMessage } from '../control/messages.ts';

/**
 * What an agent says first to whoever comes to its attach point. It and `make-way` stay as they are
 * from version to version: they are how agents of different versions understand each other.
 */
const holding = z.object({
  type: z.literal('holding'),
  processId: z.int(),
  /** Agents of one build understand each other's every message. */
  build: z.string(),
  runId: z.string(),
  chunkSizeBytes: z.int(),
});

/** Leave, without emptying the spool: somebody else is to work in it. */
const makeWay = z.object({ type: z.literal('make-way') });

/** What a visitor may say: `make-way`, or whatever a coordinator does, `configure` first. */
export const visitorMessage = z.discriminatedUnion('type', [makeWay, coordinatorMessage]);

/** What a visitor hears: `holding`, then whatever an agent says. */
export const holderMessage = z.discriminatedUnion('type', [holding, agentMessage]);

export type VisitorMessage = z.infer<typeof visitorMessage>;
export type HolderMessage = z.infer<typeof holderMessage>;
export type Holding = z.infer<typeof holding>;

/** The end of a visit on the side of the agent that holds the spool. */
export type VisitChannel = Channel<HolderMessage, VisitorMessage>;

/** The end of a visit on the side of the agent that came. */
export type VisitorChannel = Channel<VisitorMessage, HolderMessage>;

/**
 * The port by which an agent takes a directory for itself, and is found by agents that come later,
 * in this process or another of the same host and user.
 *
 * - At most one agent holds a directory; that of one which is gone, however it ended, is free.
 * - Whoever reaches a directory reaches the agent that holds it, or nobody.
 * - Neither function waits for another agent: one that hangs is reached, and says nothing.
 */
export interface AttachPoint {
  /** A visit to the agent that holds `directory`; undefined if none takes visits there. */
  reach(directory: string): Promise<VisitorChannel | undefined>;
  /**
   * Makes `directory` if need be, and takes it; `onVisit` is called for each visit.
   * @throws Error the operating system's, if the directory cannot be made or written
   */
  hold(directory: string, onVisit: (channel: VisitChannel) => void): Promise<HoldAttempt>;
}

export type HoldAttempt =
  | { readonly state: 'held'; readonly hold: Hold }
  /** Another process has it. */
  | { readonly state: 'taken'; readonly processId: number };

/** A directory that this agent has for itself. */
export interface Hold {
  /** The names in the directory that belong to the hold. */
  readonly names: readonly string[];
  /** Why other agents cannot find this one, if they cannot: there is no place for a socket, say. */
  readonly defect: string | undefined;
  /** Gives the directory back, and lets no visitor in any more. Visits go on. Idempotent. */
  release(): void;
}
