import { basename } from 'node:path';
import {
  isSuccess,
  phaseOf,
  resultOf,
  vmState,
  type JobState,
  type VmRecord,
} from '../job/record/job-state.ts';
import { listJobs, type ListedDirectory } from '../job/record/jobs.ts';
import type { StorePlace } from '../store/store-place.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import type { ListedJob, ShownJob, ShownVm } from '../report/job-listing.ts';

/** A job as `job ls` tells of it. Pure. */
export function listedJob(
  { directory, state, problem }: ListedDirectory,
  driver: number | null,
): ListedJob {
  const job = basename(directory);
  if (state === null) return { ...UNKNOWN, job, driver, problem };
  const vms = [...state.vms.values()];
  const outcomes = vms.flatMap(({ outcome }) => outcome ?? []);
  const succeeded = outcomes.filter(isSuccess).length;
  return {
    job,
    phase: phaseOf(state),
    result: resultOf(state),
    driver,
    vms: {
      total: vms.length,
      running: vms.filter((vm) => vmState(vm) === 'running').length,
      succeeded,
      failed: outcomes.length - succeeded,
    },
    nodes: state.spec.nodes,
    nodeSet: foldNodeSet(state.spec.nodes),
    submittedAt: state.submittedAt,
    endedAt: state.finished?.at ?? null,
    image: state.spec.image,
    problem: null,
  };
}

const UNKNOWN: Omit<ListedJob, 'job' | 'driver' | 'problem'> = {
  phase: 'unknown',
  result: null,
  vms: { total: 0, running: 0, succeeded: 0, failed: 0 },
  nodes: [],
  nodeSet: '–',
  submittedAt: null,
  endedAt: null,
  image: null,
};

/** A job as `job show` tells of it. Pure. */
export function shownJob(
  state: JobState,
  { store, directory, driver }: { store: string; directory: string; driver: number | null },
): ShownJob {
  const pauses = pausesOf(state);
  return {
    schema: 'kgetplus.job/1',
    store,
    directory,
    ...listedJob({ directory, state, problem: null }, driver),
    imageId: state.image.id,
    spec: state.spec,
    by: state.by,
    machines: [...state.vms.values()].map((vm) => shownVm(vm, pauses.get(vm.vm) ?? [])),
    snapshots: state.cuts.map(({ run, kind, at, vms }) => ({ run, kind, at, vms })),
    deployed: [...state.deployed].map(([node, figures]) => ({
      node,
      wireBytes: figures.wireBytes,
      seconds: figures.seconds,
    })),
    released: [...state.released].map(([node, at]) => ({ node, at })),
  };
}

function shownVm(vm: VmRecord, pausesMs: readonly number[]): ShownVm {
  const { outcome } = vm;
  return {
    vm: vm.vm,
    node: vm.node,
    state: vmState(vm),
    exitStatus: outcome?.kind === 'exit' ? outcome.status : null,
    failure: outcome?.kind === 'failed' ? { reason: outcome.reason, detail: outcome.detail } : null,
    runningAt: vm.runningAt,
    endedAt: vm.endedAt,
    outputBytes: vm.outputBytes,
    outputsDirectory: vm.outputsDirectory,
    pausesMs,
    moves: vm.moves.map(({ from, to, downtimeMs, at }) => ({ from, to, downtimeMs, at })),
  };
}

/** By name of the machine: for how long each cut has paused it. */
function pausesOf({ cuts }: JobState): ReadonlyMap<string, readonly number[]> {
  const pauses = new Map<string, number[]>();
  for (const { vm, pausedMs } of cuts.flatMap(({ vms }) => vms)) {
    pauses.set(vm, [...(pauses.get(vm) ?? []), pausedMs]);
  }
  return pauses;
}

/** The job of a store that is open, or keeps machines, and runs an image; undefined if none does. */
export function jobUsing({ directory }: StorePlace, image: string): string | undefined {
  const using = listJobs(directory).find(
    ({ state }) => state?.image.id === image && phaseOf(state) !== 'finished',
  );
  return using && `job ${basename(using.directory)}`;
}
