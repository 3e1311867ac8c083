import type { JobSpec } from '../job-spec.ts';
import type { JobAccess, JobImage, JobOutcome, RecordOf } from './job-record.ts';

/** What a job's journal tells of it. */
export interface JobState {
  readonly job: string;
  /** ISO 8601. */
  readonly submittedAt: string;
  readonly spec: JobSpec;
  readonly access: JobAccess;
  readonly image: JobImage;
  /** The archive of input files; null if there are none. */
  readonly inputs: RecordOf<'submitted'>['inputs'];
  /** Who submitted it, where, and with which words. */
  readonly by: Pick<RecordOf<'submitted'>, 'command' | 'user' | 'host'>;
  /** By name, in the order of their numbers. */
  readonly vms: ReadonlyMap<string, VmRecord>;
  /** Nodes that have all files. */
  readonly deployed: ReadonlyMap<string, { readonly wireBytes: number; readonly seconds: number }>;
  /** In the order in which they were taken. */
  readonly cuts: readonly CutRecord[];
  /** When nodes were found empty of the job: ISO 8601. */
  readonly released: ReadonlyMap<string, string>;
  /** Released nodes for which the release command has succeeded. */
  readonly givenBack: ReadonlySet<string>;
  readonly cancelledAt: string | null;
  readonly finished: RecordOf<'finished'> | null;
}

/** Snapshots at one cut. */
export interface CutRecord extends Omit<RecordOf<'cut'>, 'type'> {
  /** The run in the store; null while the snapshots lie on their nodes only. */
  readonly run: string | null;
}

export interface VmRecord {
  readonly vm: string;
  /** Where it was last noted. */
  readonly node: string;
  /** `running`: its command was seen to run; `removed`: nothing is left of it on its node. */
  readonly stage: VmStage;
  /** Its host was told to make it: something of it may be on its node. */
  readonly isBegun: boolean;
  /** On request, and not resumed yet. */
  readonly held: 'paused' | 'suspended' | null;
  /** Null until its part of the job has ended. */
  readonly outcome: JobOutcome | null;
  /** Of the archive on its node; null if there is none, or it is not known yet. */
  readonly outputBytes: number | null;
  /** Where its outputs are on the frontend; null until they are. */
  readonly outputsDirectory: string | null;
  readonly shutDown: 'clean' | 'forced' | null;
  /** When its command began, and its part of the job ended: ISO 8601. */
  readonly runningAt: string | null;
  readonly endedAt: string | null;
  readonly moves: readonly RecordOf<'moved'>[];
}

type VmStage = 'placed' | 'created' | 'running' | 'ended' | 'removed';

/** In one word. */
export function vmState({ stage, held }: VmRecord): VmStage | 'paused' | 'suspended' {
  const isAlive = stage === 'created' || stage === 'running';
  return isAlive && held !== null ? held : stage;
}

/**
 * `deploying` until the commands of all machines have begun; `running` until all have ended;
 * `ending` until outputs, snapshots and nodes are dealt with; `kept`: finished, but for machines
 * that stay until the job is cancelled.
 */
export type JobPhase = 'submitted' | 'deploying' | 'running' | 'ending' | 'kept' | 'finished';

export function phaseOf({ vms, deployed, cancelledAt, finished }: JobState): JobPhase {
  const all = [...vms.values()];
  const isThere = all.some(({ stage }) => stage !== 'removed');
  if (finished !== null) {
    if (!finished.kept || !isThere) return 'finished';
    return cancelledAt === null ? 'kept' : 'ending';
  }
  if (cancelledAt !== null || all.every(isOver)) return 'ending';
  if (all.every((vm) => vm.stage === 'running' || isOver(vm))) return 'running';
  const isBegun = deployed.size > 0 || all.some(({ stage }) => stage !== 'placed');
  return isBegun ? 'deploying' : 'submitted';
}

export type JobResult = RecordOf<'finished'>['state'];

/**
 * Null while it is open. A job in which one machine has failed has failed, whatever becomes of the
 * others; one that has ended is not changed by cancelling what was kept of it.
 */
export function resultOf({ vms, cancelledAt, finished }: JobState): JobResult | null {
  if (finished !== null) return finished.state;
  if (cancelledAt !== null) return 'cancelled';
  const outcomes = [...vms.values()].map(({ outcome }) => outcome);
  if (outcomes.some((outcome) => outcome !== null && !isSuccess(outcome))) return 'failed';
  return outcomes.every((outcome) => outcome !== null) ? 'succeeded' : null;
}

/** Whether a machine did what the job wanted. */
export function isSuccess(outcome: JobOutcome): boolean {
  return outcome.kind === 'exit' && outcome.status === 0;
}

/** Whether a machine's part of the job has ended. */
function isOver({ outcome, stage }: VmRecord): boolean {
  return outcome !== null || stage === 'removed';
}
