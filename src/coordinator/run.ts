import type { Failure } from '../base/error.ts';
import type { ImageName } from '../control/messages.ts';
import type { Planner, PlannerEvent } from '../planner/types.ts';
import type { Crew } from './crew.ts';
import type { RunFacts } from './facts.ts';
import type { RunLimits } from './limits.ts';
import type { GatherPlan, GatherPorts } from './ports.ts';

/** A complete image in a node's spool, from an earlier run. */
interface Spare {
  readonly holder: string;
  readonly image: ImageName;
}

/** What an agent has told within a minute, in words. */
export interface Words {
  readonly sinceMs: number;
  readonly told: Record<'notice' | 'failure', number>;
  readonly leftOut: Record<'notice' | 'failure', number>;
}

/** A run in progress, as the parts of the coordinator share it. Made by `gather`. */
export interface Run {
  readonly plan: GatherPlan;
  readonly ports: GatherPorts;
  readonly facts: RunFacts;
  readonly crew: Crew;
  readonly limits: RunLimits;
  /** TCP ports on which the agents serve, by node. */
  readonly servingPorts: Map<string, number>;
  /** How far the scans of images have come, by image, as far as their agents have told. */
  readonly scannedBytes: Map<string, number>;
  /**
   * Copies in spools that are only needed if the image's origin takes no part, by image: see
   * resume.ts.
   */
  readonly spares: Map<string, readonly Spare[]>;
  /** Nodes that have copies in their spools which are not taken up: these must stay. */
  readonly keepsUnknown: Set<string>;
  /** What agents have told in this minute, by node: see agent-words.ts. */
  readonly words: Map<string, Words>;
  /** Nodes that were asked to come back after their release; each at most once. */
  readonly recalled: Set<string>;
  /** Nodes that have named their images, of which the planner is not told yet: see withheld.ts. */
  readonly withheld: Set<string>;
  /** Nodes that an earlier part of the run released and may not have given back: give-back.ts. */
  readonly owed: Set<string>;
  /** `NODE/FILE` of the images of which the frontend has an earlier version. */
  readonly seeded: Set<string>;
  /** `begun` when a node has named its images, `complete` when the planner expects no more. */
  assembly: 'none' | 'begun' | 'complete';
  /** Made when the frontend can receive, just before the nodes' agents are started. */
  planner: Planner | undefined;
  /** Seconds since the start of the command. */
  seconds(): number;
  /** Tells the planner and executes what it answers; a dry run does neither. */
  feed(event: PlannerEvent): void;
  /** Records a failure for the report and the progress lines. */
  report(failure: Failure, where: { readonly node?: string; readonly path?: string }): void;
  /** Aborted when the run is over: nothing is decided any more. */
  readonly over: AbortSignal;
  /** Ends the run now: nothing more can come of it. */
  abort(failure: Failure): void;
  /** Work that the run waits for before it ends. */
  inBackground(work: Promise<void>): void;
}
