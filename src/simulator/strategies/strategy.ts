import type { Planner, PlannerOptions } from '../../planner/types.ts';

/** A way to gather images, to be compared with others: a planner and the options it runs with. */
export interface Strategy {
  /** As a command takes it. */
  readonly name: string;
  /** What it does, in one sentence without a full stop. */
  readonly about: string;
  /**
   * From when on a node counts as released: when the planner says so, or when all its images have
   * arrived at the frontend, as the races on the lab count it for tools that release nobody.
   */
  readonly counts: 'releases' | 'arrivals';
  /** With more nodes a run takes too long. */
  readonly maxNodes: number;
  /** What it makes of the options given for Kget+ on a cluster of so many nodes. */
  readonly optionsFor: (given: PlannerOptions, nodeCount: number) => PlannerOptions;
  /** A planner that knows of no node yet. */
  readonly plannerFor: (options: PlannerOptions) => Planner;
}
