import { placeVms } from '../run/want-vm.ts';
import type { JobRecord, RecordOf } from './job-record.ts';
import type { CutRecord, JobState, VmRecord } from './job-state.ts';

/** What the records of a job's journal tell; undefined if it was not submitted. Pure. */
export function foldJob(records: Iterable<JobRecord>): JobState | undefined {
  let fold: JobFold | undefined;
  for (const record of records) {
    if (fold !== undefined) fold.apply(record);
    else if (record.type === 'submitted') fold = jobFold(record);
  }
  return fold?.state();
}

/** A job's state, brought forward record by record. */
export interface JobFold {
  apply(record: JobRecord): void;
  /** As it is now: what was given out does not change any more. */
  state(): JobState;
}

/** Records of machines that are none of the job's say nothing, and are passed over. */
export function jobFold(submitted: RecordOf<'submitted'>): JobFold {
  const { job, spec, access, image, inputs, command, user, host } = submitted;
  const vms = new Map(placeVms(job, spec).map(({ vm, node }) => [vm, placedVm(vm, node)]));
  const deployed = new Map<string, { wireBytes: number; seconds: number }>();
  const cuts = new Map<string, CutRecord>();
  const released = new Map<string, string>();
  const givenBack = new Set<string>();
  let cancelledAt: string | null = null;
  let finished: JobState['finished'] = null;

  function change(name: string, fields: (before: VmRecord) => Partial<VmRecord>): void {
    const before = vms.get(name);
    if (before !== undefined) vms.set(name, { ...before, ...fields(before) });
  }

  /** Some files may come first, and others later. */
  function deploy({ node, wireBytes, seconds }: RecordOf<'deployed'>): void {
    const before = deployed.get(node) ?? { wireBytes: 0, seconds: 0 };
    const sum = { wireBytes: before.wireBytes + wireBytes, seconds: before.seconds + seconds };
    deployed.set(node, sum);
  }

  function release({ node, at }: RecordOf<'released'>): void {
    released.set(node, at);
    for (const vm of vms.values()) {
      if (vm.node === node) vms.set(vm.vm, { ...vm, stage: 'removed' });
    }
  }

  function apply(record: JobRecord): void {
    switch (record.type) {
      case 'submitted':
        break;
      case 'deployed':
        deploy(record);
        break;
      case 'cut': {
        const { type: _, ...cut } = record;
        cuts.set(cut.cut, { ...cut, run: null });
        break;
      }
      case 'snapshot': {
        const cut = cuts.get(record.cut);
        if (cut !== undefined) cuts.set(record.cut, { ...cut, run: record.run });
        break;
      }
      case 'released':
        release(record);
        break;
      case 'given-back':
        givenBack.add(record.node);
        break;
      case 'cancelled':
        cancelledAt = record.at;
        break;
      case 'finished':
        // What becomes of machines that were kept does not change how the job ended.
        finished = { ...record, state: finished?.state ?? record.state };
        break;
      case 'moved':
        released.delete(record.to);
        givenBack.delete(record.to);
        change(record.vm, (before) => changed(before, record));
        break;
      case 'created':
      case 'started':
      case 'paused':
      case 'suspended':
      case 'resumed':
      case 'ended':
      case 'outputs':
      case 'shut-down':
        change(record.vm, (before) => changed(before, record));
    }
  }

  return {
    apply,
    state: () => ({
      job,
      submittedAt: submitted.at,
      spec,
      access,
      image,
      inputs,
      by: { command, user, host },
      vms: new Map(vms),
      deployed: new Map(deployed),
      cuts: [...cuts.values()],
      released: new Map(released),
      givenBack: new Set(givenBack),
      cancelledAt,
      finished,
    }),
  };
}

function placedVm(vm: string, node: string): VmRecord {
  return {
    vm,
    node,
    stage: 'placed',
    isBegun: false,
    held: null,
    outcome: null,
    outputBytes: null,
    outputsDirectory: null,
    shutDown: null,
    runningAt: null,
    endedAt: null,
    moves: [],
  };
}

type VmChange = Exclude<
  JobRecord,
  RecordOf<
    | 'submitted'
    | 'deployed'
    | 'cut'
    | 'snapshot'
    | 'released'
    | 'given-back'
    | 'cancelled'
    | 'finished'
  >
>;

/** A command that takes a job up may note again what is known: nothing goes back by it. */
function changed(before: VmRecord, record: VmChange): Partial<VmRecord> {
  switch (record.type) {
    case 'created':
      return before.stage === 'placed' ? { stage: 'created', isBegun: true } : { isBegun: true };
    case 'started': {
      const { node, at } = record;
      const isNew = before.stage === 'placed' || before.stage === 'created';
      return isNew ? { stage: 'running', isBegun: true, node, runningAt: at } : {};
    }
    case 'paused':
    case 'suspended':
      return { held: record.type };
    case 'resumed':
      return { held: null };
    case 'moved':
      return { node: record.to, moves: [...before.moves, record] };
    case 'ended': {
      if (before.outcome !== null) return {};
      const { node, outcome, outputBytes, at } = record;
      return {
        stage: 'ended',
        held: null,
        node,
        outcome,
        outputBytes,
        endedAt: at,
      };
    }
    case 'outputs':
      return { outputsDirectory: record.directory };
    case 'shut-down':
      return { shutDown: record.how };
  }
}
