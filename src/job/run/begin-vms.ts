import type { Failure } from '../../base/error.ts';
import type { Host, Hosts } from '../hosts/hosts.ts';
import type { JobOutcome } from '../record/job-record.ts';
import type { DiskBehind } from './disk-behind.ts';
import type { EndedVm, KnownJob } from './known.ts';
import type { JobPorts } from './ports.ts';
import { startVms } from './start-vms.ts';
import { filesOf, type JobParts, type Placement } from './want-vm.ts';

export interface Beginning {
  /** Machines that have not ended. */
  readonly waiting: readonly Placement[];
  readonly known: KnownJob;
  readonly hosts: Hosts;
  readonly reached: ReadonlyMap<string, Host>;
  readonly ports: JobPorts;
  readonly behind: DiskBehind;
  /** Starts another host agent where one was lost. */
  reconnect(node: string): Promise<Host>;
  /** Aborted by Ctrl-C, and when the job is cancelled: nothing new is begun. */
  readonly signal: AbortSignal;
  /** Something of the job may be on the node from now on. */
  onTouch(node: string): void;
  end(vm: string, node: string, ended: EndedVm): void;
}

/** Deploys, makes and starts what is not there yet. */
export async function beginVms(parts: JobParts, work: Beginning): Promise<void> {
  const { waiting, known, hosts, reached, ports, signal, behind } = work;
  if (signal.aborted) return;
  const fresh = waiting.filter(({ vm }) => !known.started.has(vm));
  const nodeOf = new Map(fresh.map(({ vm, node }) => [vm, node]));
  const cannotStart = (vm: string, { message }: Failure): void => {
    const outcome: JobOutcome = { kind: 'failed', reason: 'not-created', detail: message };
    work.end(vm, nodeOf.get(vm) ?? '', { outcome, outputBytes: null });
  };
  for (const { vm, node } of fresh) {
    const failure = hosts.failures.get(node);
    // What an earlier command has made there may run: it is waited for.
    if (failure !== undefined && !known.touched.has(node)) cannotStart(vm, failure);
  }
  const targets = [...new Set(fresh.map(({ node }) => node))].flatMap(
    (node) => reached.get(node) ?? [],
  );
  const first = behind.first(filesOf(parts));
  const isNeeded = targets.length > 0 && first.length > 0;
  const failures: ReadonlyMap<string, Failure> = isNeeded
    ? await ports.deploy(first, targets, signal)
    : new Map();
  if (signal.aborted) return;
  await behind.begin(targets.filter(({ node }) => !failures.has(node)));
  const able = fresh.filter(({ vm, node }) => {
    const failure = failures.get(node);
    if (failure !== undefined) cannotStart(vm, failure);
    return failure === undefined;
  });
  await startVms({
    parts,
    placements: able,
    hostOf: (node) => reached.get(node),
    async hasAgentAgain(node) {
      try {
        await work.reconnect(node);
        return true;
      } catch {
        // That it was lost says more.
        return false;
      }
    },
    booting: ports.booting,
    clock: ports.clock,
    signal,
    interrupt: ports.signal,
    onCreating(vm, node) {
      work.onTouch(node);
      ports.record({ type: 'created', vm });
    },
    onStarted: (vm, node) => ports.say(`${vm} on ${node}: boots`),
    onFailed: cannotStart,
    ...(behind.urlOf !== undefined && { nbdUrlOf: behind.urlOf }),
  });
  behind.allMade();
}
