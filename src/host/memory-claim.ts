import { KgetError } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import type { VmState } from '../hypervisor/hypervisor.ts';

/** Memory that a machine takes, or is about to. */
export interface MemoryClaim {
  readonly vm: string;
  readonly memoryBytes: number;
}

export interface MemoryLedger {
  readonly node: string;
  /** Of all machines together. */
  readonly limitBytes: number;
  /** What the host has to give right now; null if only the limit counts. */
  readonly availableBytes: number | null;
  readonly holders: readonly MemoryClaim[];
}

/** So many machines are named in an error. */
const MAX_NAMED = 8;

/** Whether a machine in this state holds its memory; one of ours that is made is about to start. */
export function holdsMemory(state: VmState, isOurs: boolean): boolean {
  switch (state) {
    case 'running':
    case 'paused':
    case 'incoming':
    case 'panicked':
      return true;
    case 'defined':
      return isOurs;
    case 'suspended':
    case 'stopped':
      return false;
  }
}

/** Why a machine cannot have its memory, if so: `no-room`, which names who has it. */
export function memoryRefusal(claim: MemoryClaim, ledger: MemoryLedger): KgetError | undefined {
  const holders = ledger.holders.filter(({ vm }) => vm !== claim.vm);
  const taken = holders.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const wanted = `Cannot give machine "${claim.vm}" ${formatSize(claim.memoryBytes)} of memory`;
  const { node, limitBytes, availableBytes } = ledger;
  if (taken + claim.memoryBytes > limitBytes) {
    const found = `${formatSize(taken)} of ${formatSize(limitBytes)} are taken`;
    const advice = 'wait until machines have ended, or ask for less';
    return new KgetError('no-room', `${wanted} on ${node}: ${found}${named(holders)}; ${advice}`);
  }
  if (availableBytes !== null && claim.memoryBytes > availableBytes) {
    const found = `the host can give ${formatSize(availableBytes)}`;
    return new KgetError('no-room', `${wanted} on ${node}: ${found}; end what takes it there`);
  }
  return undefined;
}

function named(holders: readonly MemoryClaim[]): string {
  if (holders.length === 0) return '';
  const largest = holders.toSorted((one, other) => other.memoryBytes - one.memoryBytes);
  const names = largest
    .slice(0, MAX_NAMED)
    .map(({ vm, memoryBytes }) => `${vm} ${formatSize(memoryBytes)}`);
  const more = holders.length > MAX_NAMED ? `, and ${holders.length - MAX_NAMED} more` : '';
  return ` (${names.join(', ')}${more})`;
}
