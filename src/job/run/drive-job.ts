import type { Hosts } from '../hosts/hosts.ts';
import { hasSucceeded, outcomeText } from '../life/judge-vm.ts';
import type { JobEnding } from '../job-spec.ts';
import type { JobOutcome } from '../record/job-record.ts';
import { agentsAgain } from './agents-again.ts';
import { beginVms } from './begin-vms.ts';
import { diskBehind, type DiskBehind } from './disk-behind.ts';
import { endVms } from './end-vms.ts';
import type { EndedVm, KnownJob, LeftBehind } from './known.ts';
import type { JobPorts } from './ports.ts';
import { untilCancelled } from './until-cancelled.ts';
import type { JobParts } from './want-vm.ts';
import { watchJob } from './watch-job.ts';

export interface Reached {
  readonly known: KnownJob;
  readonly hosts: Hosts;
  readonly ports: JobPorts;
}

/** What one command learns of a job while it drives it: see `runJob`. */
export function beginDrive(parts: JobParts, { known, hosts, ports }: Reached) {
  const { job, spec } = parts;
  const ended = new Map(known.ended);
  const nodeOf = new Map(known.placements.map(({ vm, node }) => [vm, node]));
  const touched = new Set(known.touched);
  const reached = new Map(hosts.all);
  const again = agentsAgain(reached, ports);
  const behind = diskBehind(parts, {
    // Machines that an earlier command has made may read it from a host that is gone.
    nodes: new Set([...reached.keys(), ...touched]),
    hostOf: (node) => reached.get(node),
    hasMachines: (node) => touched.has(node),
    ports,
  });

  function end(vm: string, node: string, { outcome, outputBytes }: EndedVm): void {
    if (ended.has(vm)) return;
    ended.set(vm, { outcome, outputBytes });
    nodeOf.set(vm, node);
    ports.record({ type: 'ended', vm, node, outcome, outputBytes, at: ports.now() });
    ports.say(`${vm} on ${node}: ${outcomeText(outcome)}${detailOf(outcome)}`);
  }

  function onTouch(node: string): void {
    touched.add(node);
  }

  function pending(): Map<string, string> {
    return new Map([...nodeOf].filter(([vm]) => !ended.has(vm)));
  }

  return {
    hasWorked: () => [...ended.values()].every(({ outcome }) => hasSucceeded(outcome)),

    /** Has all machines run, and waits for their ends. */
    async bringToEnd(): Promise<'ended' | 'cancelled' | 'interrupted'> {
      const waiting = [...pending()].map(([vm, node]) => ({ vm, node }));
      const beginning = { waiting, known, hosts, reached, ports, behind, onTouch, end };
      await untilCancelled(ports, (signal) =>
        beginVms(parts, { ...beginning, signal, reconnect: again.ensure }),
      );
      return await watchJob({
        ...ports,
        job,
        spec,
        vms: pending(),
        hosts: reached,
        absent: hosts.failures,
        reconnect: again.start,
        onRunning(vm, node) {
          if (known.started.has(vm)) return;
          ports.record({ type: 'started', vm, node, at: ports.now() });
          ports.say(`${vm} on ${node}: runs`);
        },
        onMoved(vm, from, to) {
          touched.add(to);
          nodeOf.set(vm, to);
          ports.record({ type: 'moved', vm, from, to, downtimeMs: null, at: ports.now() });
          ports.say(`${vm}: moved from ${from} to ${to}`);
        },
        onEnded: (vm, { node, ...vmEnd }) => end(vm, node, vmEnd),
      });
    },

    async finish(ending: JobEnding): Promise<LeftBehind> {
      const unsettled = await endBehind(behind, ending, ports);
      const withOutputs = [...ended].flatMap(([vm, { outputBytes }]) => {
        const node = nodeOf.get(vm);
        return outputBytes === null || node === undefined ? [] : [{ vm, node }];
      });
      const left = await endVms({
        job,
        ending,
        known,
        shutdownLimitMs: spec.shutdownLimitMs,
        hosts: [...reached.values()],
        touched,
        withOutputs,
        ports,
      });
      const unreached = [...hosts.failures].filter(([node]) => !reached.has(node));
      return new Map([...unsettled, ...left, ...unreached.filter(([node]) => touched.has(node))]);
    },

    /** Agents that were started again leave, as the first ones do. */
    async [Symbol.asyncDispose]() {
      await behind[Symbol.asyncDispose]();
      again[Symbol.dispose]();
    },
  };
}

/** Why machines that are kept do not read their disk on their nodes. */
async function endBehind(
  behind: DiskBehind,
  { keep }: JobEnding,
  ports: JobPorts,
): Promise<LeftBehind> {
  let left: LeftBehind = new Map();
  await untilCancelled(ports, async (signal) => {
    left = await behind.end({ keep, signal });
  });
  return left;
}

function detailOf(outcome: JobOutcome): string {
  return outcome.kind === 'failed' && outcome.detail !== '' ? `: ${outcome.detail}` : '';
}
