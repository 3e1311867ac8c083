import type { FoundVm } from '../../control/host-calls.ts';
import { toFailure, type Failure } from '../../base/error.ts';
import type { Host } from '../hosts/hosts.ts';

/** A machine, and the host that it was found on. */
export interface SeenVm {
  readonly found: FoundVm;
  readonly host: Host;
}

/** What hosts say of the machines of a job. */
export interface Survey {
  readonly vms: ReadonlyMap<string, SeenVm>;
  /** Hosts that did not answer. */
  readonly silent: ReadonlyMap<string, Failure>;
}

/** How long a host may take to tell what machines it has. */
const LOOK_LIMIT_MS = 30_000;

/** While a machine migrates two hosts know of it: the one where it goes on counts. */
const RANKS: readonly FoundVm['state'][] = [
  'running',
  'panicked',
  'paused',
  'suspended',
  'incoming',
  'stopped',
  'defined',
];

/** Asks all hosts for the machines of a job, or for all that they have; never rejects. */
export async function surveyMachines(
  job: string | null,
  hosts: readonly Host[],
  signal: AbortSignal,
): Promise<Survey> {
  const silent = new Map<string, Failure>();
  const seen = await Promise.all(
    hosts.map(async (host): Promise<SeenVm[]> => {
      try {
        const terms = { limitMs: LOOK_LIMIT_MS, signal };
        const { vms } = await host.caller.call('look', { job }, terms);
        return vms.map((found) => ({ found, host }));
      } catch (error) {
        silent.set(host.node, toFailure(error));
        return [];
      }
    }),
  );
  return { vms: pickSeen(seen.flat()), silent };
}

/** Of each machine the place where it goes on. Pure. */
function pickSeen(all: readonly SeenVm[]): ReadonlyMap<string, SeenVm> {
  const rank = ({ found }: SeenVm): number => RANKS.indexOf(found.state);
  const vms = new Map<string, SeenVm>();
  for (const vm of all.toSorted((one, other) => rank(other) - rank(one))) {
    vms.set(vm.found.name, vm);
  }
  return vms;
}
