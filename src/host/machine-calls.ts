import { ensureRoom } from '../content/room.ts';
import type { Handlers, RequestOf, ResultOf } from '../control/calls.ts';
import type { HostCalls } from '../control/host-calls.ts';
import { lookAround } from './look.ts';
import { readMachineRecord } from './machine-files.ts';
import { makeMachine, withNames } from './make-machine.ts';
import { abandonMigration, finishMigration, migrate, prepareMigration } from './migrations.ts';
import type { MachineNode } from './node.ts';
import { machinePaths } from './node-place.ts';
import { dropCut } from './published-snapshot.ts';
import { cleanJob, removeMachine } from './remove-machine.ts';
import { restoreMachine } from './restore-machine.ts';
import { readLog } from './said.ts';
import { switchBase } from './switch-base.ts';

/** Calls that are about files: see `host.ts`. */
type FileCallName =
  | 'configure'
  | 'serve-stored'
  | 'serve-disk'
  | 'serve-file'
  | 'present'
  | 'fetch'
  | 'progress';
type MachineCalls = Omit<HostCalls, FileCallName>;

type Log = ResultOf<HostCalls, 'log'>;

/** What the coordinator has a host agent do with machines: see `HOST_CALLS`. */
export function machineCalls(node: () => Promise<MachineNode>): Handlers<MachineCalls> {
  /** One call for a machine after the other. */
  const inTurn =
    <Request extends { vm: string }, Result>(
      action: (on: MachineNode, request: Request, signal: AbortSignal) => Promise<Result>,
    ) =>
    async (request: Request, signal: AbortSignal): Promise<Result> => {
      const on = await node();
      return on.machines.turns.take(request.vm, () => action(on, request, signal));
    };

  return {
    create: async (wanted) => {
      const on = await node();
      const named = withNames(wanted, on.name);
      const { hypervisor, turns } = on.machines;
      return turns.take(wanted.name, () =>
        done(makeMachine(on, named, (spec) => hypervisor.create(spec))),
      );
    },
    start: inTurn((on, { vm }) => done(withMemory(on, vm, () => on.machines.hypervisor.start(vm)))),
    pause: inTurn((on, { vm }) => done(on.machines.hypervisor.pause(vm))),
    resume: inTurn((on, { vm }) =>
      done(withMemory(on, vm, () => on.machines.hypervisor.resume(vm))),
    ),
    suspend: inTurn((on, { vm }) => done(suspend(on, vm))),
    stop: async ({ vm }) => done((await node()).machines.hypervisor.stop(vm)),
    shutdown: async ({ vm, ...terms }) => {
      return { how: await (await node()).machines.hypervisor.shutdown(vm, terms) };
    },
    'switch-base': inTurn((on, { vm }) => done(switchBase(on, vm))),
    remove: inTurn((on, { vm }) => done(removeMachine(on, vm))),
    look: async ({ job }) => ({ vms: await lookAround(await node(), job) }),
    describe: async ({ vm }) => {
      const on = await node();
      // That there is no such machine is better said than that it is none of ours.
      await on.machines.hypervisor.look(vm);
      return { wanted: readMachineRecord(machinePaths(on.place, vm)) };
    },
    log: async (request) => log(await node(), request),
    freeze: inTurn(async (on, { vm, ...terms }) => {
      return { frozen: await on.machines.cuts.freeze(vm, terms) };
    }),
    'prepare-snapshot': inTurn((on, { vm, full }) => done(on.machines.cuts.prepare(vm, full))),
    snapshot: inTurn((on, { vm, ...terms }) => done(on.machines.cuts.snapshot(vm, terms))),
    thaw: inTurn(async (on, { vm }) => ({ pausedMs: await on.machines.cuts.thaw(vm) })),
    // It may take long: the machine can be told other things meanwhile.
    'finish-snapshot': async ({ vm, cut }) => (await node()).machines.cuts.finish(vm, cut),
    'drop-cut': async ({ cut }) => done(dropCut((await node()).place, cut)),
    restore: async (request) => {
      const on = await node();
      const { name } = request.description.wanted;
      return on.machines.turns.take(name, () => restoreMachine(on, request));
    },
    'prepare-migration': async (request) => {
      const on = await node();
      return on.machines.turns.take(request.wanted.name, () => prepareMigration(on, request));
    },
    migrate: inTurn(migrate),
    'finish-migration': inTurn((on, request) => done(finishMigration(on, request))),
    'abandon-migration': inTurn((on, { vm }) => done(abandonMigration(on, vm))),
    clean: async ({ job }) => ({ removed: await cleanJob(await node(), job) }),
  };
}

async function done(action: Promise<unknown>): Promise<Record<string, never>> {
  await action;
  return {};
}

/** From a state in which the machine holds no memory, it may be, to one in which it does. */
async function withMemory(
  { machines: { hypervisor, admission } }: MachineNode,
  vm: string,
  action: () => Promise<void>,
): Promise<void> {
  const { memoryBytes } = (await hypervisor.look(vm)).spec;
  using _memory = await admission.reserve({ vm, memoryBytes });
  await action();
}

async function suspend({ machines, place }: MachineNode, vm: string): Promise<void> {
  const { memoryBytes: neededBytes } = (await machines.hypervisor.look(vm)).spec;
  ensureRoom({ title: `the memory of machine "${vm}"`, directory: place.hypervisor, neededBytes });
  await machines.hypervisor.suspend(vm);
}

async function log(node: MachineNode, request: RequestOf<HostCalls, 'log'>): Promise<Log> {
  // That there is no such machine is better said than an empty log given.
  await node.machines.hypervisor.look(request.vm);
  return readLog(machinePaths(node.place, request.vm), request);
}
