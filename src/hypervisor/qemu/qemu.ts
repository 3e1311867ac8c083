import { existsSync, readdirSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Hypervisor, VmFacts, VmState } from '../hypervisor.ts';
import type { VmSpec } from '../vm-spec.ts';
import { awaitExit, shutDown, stopMachine } from './ending.ts';
import { dirtyMap, exportDisk } from './exporting.ts';
import { freezer } from './freeze.ts';
import { findMachine, type Machine, type QemuHost } from './machine.ts';
import { makeMachine, removeMachine } from './making.ts';
import { migrate } from './migration-source.ts';
import { abandonMigration, finishMigration, prepareMigration } from './migration-target.ts';
import { settleForgotten, settleMigration } from './migration-undo.ts';
import { placesOf } from './places.ts';
import { qemuPrograms } from './programs.ts';
import { restoreMachine, startMachine, suspendMachine, wakeMachine } from './running.ts';
import { qemuSessions } from './sessions.ts';
import { beginSnapshot } from './snapshot.ts';
import { hasLatest } from './snapshot-marker.ts';
import { factsOf, stateOf } from './states.ts';
import { switchBase } from './switch-base.ts';
import { turns } from './turns.ts';

export interface QemuOptions {
  /** Of this user alone: machines and what belongs to them lie there. */
  readonly directory: string;
  /** Where copy-on-write disks lie, if machines are to move with disks that hosts share. */
  readonly sharedDirectory?: string;
  readonly clock: Clock;
  readonly accelerator?: 'kvm' | 'tcg';
  readonly qemuSystem?: string;
}

/** QEMU can do all of the port. */
export type QemuHypervisor = Required<Hypervisor>;

interface Wanted {
  readonly states: readonly VmState[];
  readonly to: string;
}

type Work<Result> = (machine: Machine, state: VmState) => Promise<Result>;

/** Machines of QEMU, each a process of its own that outlives us. */
export function qemuHypervisor(options: QemuOptions): QemuHypervisor {
  const host = hostOf(options);
  const { inTurn, alsoCopying, untilCopied } = turns();
  const agentTurns = turns();
  const settleTurns = turns();
  const freezing = freezer();

  /** Does something with a machine that is in one of these states, when its turn has come. */
  async function on<Result>(name: string, wanted: Wanted, work: Work<Result>): Promise<Result> {
    return inTurn(name, async () => {
      await settleTurns.inTurn(name, async () => settleMigration(findMachine(host, name)));
      return onNow(name, wanted, work);
    });
  }

  async function onNow<Result>(
    name: string,
    { states, to }: Wanted,
    work: Work<Result>,
  ): Promise<Result> {
    const machine = findMachine(host, name);
    const state = await stateOf(machine);
    if (states.includes(state)) return work(machine, state);
    const found = `it is ${state}, wanted ${states.join(' or ')}`;
    throw new KgetError('usage', `Cannot ${to} ${machine.title}: ${found}`);
  }

  async function facts(name: string): Promise<VmFacts> {
    const machine = findMachine(host, name);
    // A guest that cannot be thawed is no reason not to tell what there is.
    await freezing.thawForgotten(machine).catch(() => undefined);
    // The same goes for a migration that cannot be brought to its end.
    const settle = async (): Promise<void> => settleForgotten(machine);
    await settleTurns.inTurn(name, settle).catch(() => undefined);
    return factsOf(machine);
  }

  const tell = async ({ places, title }: Machine, command: string): Promise<void> => {
    const where = { path: places.control, title };
    await host.sessions.use(where, async (qmp) => qmp.execute(command));
  };

  return {
    kind: 'qemu',
    async probe() {
      const version = await host.programs.version();
      const { arch } = host.programs;
      return { version, arch, accelerator: await host.programs.accelerator(arch) };
    },
    async list() {
      if (!existsSync(host.directory)) return [];
      const names = readdirSync(host.directory).filter((name) =>
        existsSync(placesOf(host.directory, name).record),
      );
      return Promise.all(names.sort().map(facts));
    },
    look: facts,
    async create(spec) {
      await inTurn(spec.name, async () => makeMachine(host, { spec }));
    },
    async start(name) {
      await on(name, { states: ['defined', 'stopped'], to: 'start' }, startMachine);
    },
    async stop(name) {
      await stopMachine(findMachine(host, name));
    },
    async shutdown(name, { limitMs }) {
      return shutDown(findMachine(host, name), limitMs);
    },
    async waitForExit(name, signal) {
      return awaitExit(findMachine(host, name), signal);
    },
    async remove(name) {
      if (!existsSync(placesOf(host.directory, name).record)) return;
      // What is under way for it ends with it.
      await stopMachine(findMachine(host, name));
      await inTurn(name, async () => {
        if (!existsSync(placesOf(host.directory, name).record)) return;
        const machine = findMachine(host, name);
        await stopMachine(machine);
        removeMachine(machine);
      });
    },
    async pause(name) {
      await on(name, { states: ['running'], to: 'pause' }, async (it) => tell(it, 'stop'));
    },
    async resume(name) {
      const states = ['paused', 'suspended'] as const;
      await on(name, { states, to: 'resume' }, async (machine, state) =>
        state === 'suspended' ? wakeMachine(machine) : tell(machine, 'cont'),
      );
    },
    async suspend(name) {
      const states = ['running', 'paused'] as const;
      await on(name, { states, to: 'suspend' }, async (machine, state) => {
        await untilCopied(name);
        await suspendMachine(machine, state === 'running');
      });
    },
    async freeze(name, terms) {
      const freeze = async (it: Machine): Promise<boolean> => freezing.freeze(it, terms);
      // A snapshot that is ready may wait for it.
      const wanted = { states: ['running'], to: 'freeze' } as const;
      return agentTurns.inTurn(name, async () => onNow(name, wanted, freeze));
    },
    async thaw(name) {
      await agentTurns.inTurn(name, async () => freezing.thaw(findMachine(host, name)));
    },
    async beginSnapshot(name, request) {
      const wanted = { states: ['running', 'paused'], to: 'take a snapshot of' } as const;
      return on(name, wanted, async (machine) => {
        await untilCopied(name);
        const underWay = await beginSnapshot(machine, request);
        alsoCopying(name, underWay.finished);
        return underWay;
      });
    },
    async restore(spec, from) {
      await inTurn(spec.name, async () => restoreMachine(host, spec, from));
    },
    async exportDisk(name, disk) {
      const wanted = { states: ['running', 'paused'], to: 'read a disk of' } as const;
      return on(name, wanted, async (machine) => {
        await untilCopied(name);
        return exportDisk(machine, disk);
      });
    },
    async dirtyMap(name, disk) {
      const states = ['running', 'paused'] as const;
      return on(name, { states, to: 'read what is dirty of' }, async (machine) => {
        await untilCopied(name);
        return hasLatest(machine) ? dirtyMap(machine, disk) : null;
      });
    },
    async prepareMigration(spec, incoming) {
      return inTurn(spec.name, async () => prepareMigration(host, spec, incoming));
    },
    async migrate(name, endpoint, terms) {
      return on(name, { states: ['running'], to: 'move' }, async (machine) => {
        await untilCopied(name);
        return migrate(machine, endpoint, terms);
      });
    },
    async finishMigration(name) {
      await on(name, { states: ['incoming'], to: 'take over' }, finishMigration);
    },
    async abandonMigration(name) {
      await inTurn(name, async () => abandonMigration(host, name));
    },
    async switchBase(name, disk, to) {
      const held = ['paused', 'suspended', 'panicked'] as const;
      const states = ['defined', 'running', ...held, 'stopped'] as const;
      await on(name, { states, to: 'change a disk of' }, async (machine) => {
        await untilCopied(name);
        await switchBase(machine, disk, to);
      });
    },
  };
}

function hostOf(options: QemuOptions): QemuHost {
  const { directory, clock, accelerator, qemuSystem, sharedDirectory = null } = options;
  const arch = hostArchitecture();
  const programs = qemuPrograms({ directory, clock, arch, accelerator, qemuSystem });
  return { directory, sharedDirectory, clock, programs, sessions: qemuSessions(clock) };
}

/** @throws KgetError `usage` for a host that machines of QEMU are not tried on */
function hostArchitecture(): VmSpec['arch'] {
  if (process.arch === 'x64') return 'x86_64';
  if (process.arch === 'arm64') return 'aarch64';
  throw new KgetError('usage', `Cannot run machines on ${process.arch}: wanted x64 or arm64`);
}
