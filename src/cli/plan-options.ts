import type { Command } from 'commander';
import type { GatherPlan } from '../coordinator/ports.ts';
import { addRunOptions, type RunOptions } from './gather-options.ts';
import { MAX_ATTEMPTS } from './gather-run.ts';
import { readRate } from './simulate-values.ts';

/** What `plan` was told on its command line, parsed. */
export interface PlanOptions extends RunOptions {
  /** Bytes per second; without, as the nodes tell. */
  readonly link?: number;
  readonly frontendLink?: number;
  readonly transfers: boolean;
  readonly report?: string;
  readonly json: boolean;
}

/** What a plan is about: which images of which nodes, and what the user says of these nodes. */
export interface PlanSubject {
  readonly nodes: readonly string[];
  readonly patterns: readonly string[];
  readonly terms: Pick<GatherPlan, 'nodeTerms' | 'rackUplinks'>;
}

/** Declares the options of `plan`: those that it has in common with `gather`, and its own. */
export function addPlanOptions(command: Command): Command {
  return addRunOptions(command)
    .option('--link <rate>', "a node's link, each way [what the node tells]", readRate('--link'))
    .option(
      '--frontend-link <rate>',
      "this host's link [as --link, or what it tells]",
      readRate('--frontend-link'),
    )
    .option('--transfers', 'list all transfers and nodes, not only the first ones', false)
    .option('--report <file>', 'write an HTML page with the release curves there')
    .option('--json', 'print the record as JSON on standard output', false);
}

/** What the planner of such a gather is told from the start. */
export function plannerOptions({ objective, maxHops, copies }: PlanOptions): GatherPlan['planner'] {
  return { objective, maxHops, maxAttempts: MAX_ATTEMPTS, copies };
}
