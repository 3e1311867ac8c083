/** How long a run waits for others. */
export interface RunLimits {
  /**
   * A transfer on which nothing comes for so long is given up, and so is one of which its receiver
   * says nothing.
   */
  readonly stallMs: number;
  /** A node's agent that has said nothing for so long is lost. The frontend's may take longer. */
  readonly agentMs: number;
  /** The run ends when nothing at all has come forward for so long. */
  readonly giveUpMs: number;
  /** So long the agents of nodes stay when the coordinator is gone, for the next one; 0: not. */
  readonly orphanMs: number;
}

/**
 * An agent is lost before the tries for an image on it are used up (five, of which each may take
 * the stall limit): what nobody holds any more is asked of its origin again.
 */
export const RUN_LIMITS: RunLimits = {
  stallMs: 15_000,
  agentMs: 30_000,
  giveUpMs: 600_000,
  orphanMs: 300_000,
};

/** Losing the frontend's agent ends the run, and its disk has more to do. */
const FRONTEND_PATIENCE = 2;
/** An agent must not leave while the coordinator waits for its own disk. */
const LEAST_SILENCE_MS = 60_000;
/** A transfer that stands still at its receiver goes before the run does. */
const IDLE_SHARE = 0.5;

/** After so long a silence the frontend's agent is lost. */
export function frontendMs({ agentMs }: RunLimits): number {
  return FRONTEND_PATIENCE * agentMs;
}

/** After so long a silence of the coordinator an agent leaves. */
export function coordinatorMs(limits: RunLimits): number {
  return Math.max(LEAST_SILENCE_MS, frontendMs(limits));
}

/** After so long a transfer that its receiver does not bring forward is given up. */
export function idleMs({ giveUpMs }: RunLimits): number {
  return giveUpMs * IDLE_SHARE;
}
