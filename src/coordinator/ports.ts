import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/error.ts';
import type { AgentLauncher } from '../control/channel.ts';
import type { Configuration, TargetConfiguration } from '../control/messages.ts';
import type { PlannerOptions } from '../planner/types.ts';
import type { ImageFacts, NodeFacts, RunFacts, RunFailure } from './facts.ts';
import type { Resumption } from './fold-journal.ts';
import type { EndRecord, Journal } from './journal.ts';
import type { RunLimits } from './limits.ts';

/** What is to be gathered, and how. */
export interface GatherPlan {
  readonly run: string;
  /** The clock's reading when the run began, with its first command: all times count from there. */
  readonly startedMs: number;
  readonly nodes: readonly string[];
  /** Paths and globs on each node; `{node}` stands for the node's name. */
  readonly patterns: readonly string[];
  readonly planner: Omit<PlannerOptions, 'senders' | 'frontendBytesPerSecond'>;
  /**
   * Nodes that may send to the frontend at once; `auto` adds some while the measured total grows.
   */
  readonly senders: number | 'auto';
  /** By node; of those not in it nothing is known or wanted. */
  readonly nodeTerms: ReadonlyMap<string, NodeTerms>;
  /** Bytes per second each way of the uplinks of racks; of those not in it, no limit is known. */
  readonly rackUplinks: ReadonlyMap<string, number>;
  readonly chunkSizeBytes: number;
  readonly target: TargetConfiguration;
  /** Names this frontend's target directory to the agents: see `Configuration`. */
  readonly targetKey: string;
  readonly spoolDirectory: string | null;
  /** Bytes per second; null for no limit. */
  readonly frontendBytesPerSecond: number | null;
  /** Bytes per second each way of every node's link; null for no limit. For embedded clusters. */
  readonly nodeBytesPerSecond: number | null;
  /** Move nothing: stop when every node has named its images, or has scanned them, too. */
  readonly dryRun: 'names' | 'scans' | false;
  readonly resumption: Resumption | undefined;
  /** Other limits than `RUN_LIMITS`. */
  readonly limits?: Partial<RunLimits>;
}

/** What the user says of a node. */
export interface NodeTerms {
  /** Its rack; without, it is at the core. */
  readonly rack?: string;
  /** Nodes with one are released first, the least first; only its order counts. */
  readonly deadline?: number;
  /** It is to keep no images of others. */
  readonly keepsNone?: true;
}

export interface GatherPorts {
  readonly nodes: AgentLauncher;
  readonly frontend: AgentLauncher;
  readonly clock: Clock;
  readonly journal: Journal;
  /** A new identity for an agent of this run. */
  identify(node: string): Promise<Configuration['identity']>;
  /**
   * Gives a released host back, if there is something to do; resolves with what went wrong, if
   * anything. Never fatal.
   */
  onRelease?(node: string): Promise<Failure | undefined>;
  readonly observer: RunObserver;
  /** Aborted by Ctrl-C: stop cleanly. */
  readonly signal: AbortSignal;
}

/** Told of what happens, as it happens; for progress lines. */
export interface RunObserver {
  begun(facts: RunFacts): void;
  nodeChanged(node: NodeFacts): void;
  imageSafe(image: ImageFacts): void;
  failed(failure: RunFailure): void;
  notice(node: string, text: string): void;
}

export interface GatherOutcome {
  readonly facts: RunFacts;
  readonly interrupted: boolean;
  /**
   * Ends the journal, once all that belongs to the run is written; undefined if the journal is
   * needed to go on.
   */
  readonly end: EndRecord | undefined;
}
