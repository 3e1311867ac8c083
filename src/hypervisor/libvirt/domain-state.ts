import type { VmExit, VmState } from '../hypervisor.ts';
import type { DomainRecord } from './record.ts';

/** Numbers of virDomainState and of the reasons for it: libvirt-domain.h. */
export interface RawState {
  readonly state: number;
  readonly reason: number;
}

const PAUSED = 3;
const SHUT_OFF = 5;
const CRASHED = 6;
const SUSPENDED_BY_GUEST = 7;

/** virDomainShutoffReason. */
const OFF_UNKNOWN = 0;
const OFF_BY_GUEST = 1;
const OFF_DESTROYED = 2;
const OFF_CRASHED = 3;
const OFF_MIGRATED = 4;
const OFF_SAVED = 5;

export interface StateFacts {
  readonly raw: RawState;
  /** Its memory lies on disk, and it goes on from there when it is started. */
  readonly hasManagedSave: boolean;
  readonly record: DomainRecord;
}

/** What state a machine is in, and how it ended, by what libvirt says of its domain. */
export function stateOf({ raw, hasManagedSave, record }: StateFacts): {
  readonly state: VmState;
  readonly exit: VmExit | null;
} {
  if (record.incoming) return { state: 'incoming', exit: null };
  if (raw.state === CRASHED) {
    const detail = 'the kernel of the guest has panicked';
    return { state: 'panicked', exit: { reason: 'panicked', detail } };
  }
  if (raw.state === PAUSED || raw.state === SUSPENDED_BY_GUEST) {
    return { state: 'paused', exit: null };
  }
  if (raw.state !== SHUT_OFF) return { state: 'running', exit: null };
  if (hasManagedSave) return { state: 'suspended', exit: null };
  if (!record.started) return { state: 'defined', exit: null };
  return { state: 'stopped', exit: exitOf(raw.reason) };
}

/** Whether a domain has a process. */
export function isActive({ state }: RawState): boolean {
  return state !== SHUT_OFF;
}

/** Whether it may be over: its process is gone, or its guest has panicked. */
export function hasEnded({ state }: RawState): boolean {
  return state === SHUT_OFF || state === CRASHED;
}

function exitOf(reason: number): VmExit {
  switch (reason) {
    case OFF_BY_GUEST:
      return { reason: 'guest', detail: 'the guest shut down' };
    case OFF_DESTROYED:
      return { reason: 'stopped', detail: 'it was ended' };
    case OFF_MIGRATED:
      return { reason: 'stopped', detail: 'it has moved to another host' };
    case OFF_SAVED:
      return { reason: 'stopped', detail: 'its saved memory was dropped' };
    case OFF_CRASHED:
      return { reason: 'killed', detail: 'its process is gone' };
    case OFF_UNKNOWN:
      return { reason: 'killed', detail: 'libvirt was started since, and does not know how' };
    default:
      return { reason: 'killed', detail: `libvirt gives reason ${reason}` };
  }
}
