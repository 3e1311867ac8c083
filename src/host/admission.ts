import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { KgetError, systemCode } from '../base/error.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import { takeLock } from '../store/lock.ts';
import { identityOf, isRunning } from '../store/process-identity.ts';
import { holdsMemory, memoryRefusal, type MemoryClaim } from './memory-claim.ts';
import { machinePaths, type NodePlace } from './node-place.ts';

/** Another host agent holds the lock for a look at its hypervisor. */
const LOCK_LIMIT_MS = 60_000;
const LOCK_RETRY_MS = 50;

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly node: string;
  readonly place: NodePlace;
  readonly hypervisor: Hypervisor;
  readonly limitBytes: number;
  /** What the host has to give right now; null if only the limit counts. */
  availableBytes(): number | null;
}

/** Sees to it that machines get no more memory than there is, whichever host agent starts them. */
export interface Admission {
  /**
   * Holds the memory of a machine until it is disposed of: it has it then, or will not.
   * @throws KgetError `no-room`; `timeout` if other host agents do not come to an end
   */
  reserve(claim: MemoryClaim): Promise<Disposable>;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { clock, place } = options;
  const lock = join(place.directory, 'admission.lock');
  let turn: Promise<unknown> = Promise.resolve();

  async function admit(claim: MemoryClaim): Promise<Disposable> {
    await takeInTime(lock, clock);
    try {
      const holders = await holdersOf(options);
      const refusal = memoryRefusal(claim, {
        node: options.node,
        limitBytes: options.limitBytes,
        availableBytes: options.availableBytes(),
        holders,
      });
      if (refusal !== undefined) throw refusal;
      const file = join(place.reservations, claim.vm);
      writeFileSync(file, `${identityOf(process.pid) ?? '\n'}${claim.memoryBytes}\n`);
      return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
    } finally {
      rmSync(lock, { force: true });
    }
  }

  return {
    reserve(claim) {
      const mine = turn.then(() => admit(claim));
      turn = mine.catch(() => {});
      return mine;
    },
  };
}

async function takeInTime(lock: string, clock: Clock): Promise<void> {
  const sinceMs = clock.nowMs();
  const refusal = (pid: number): KgetError =>
    new KgetError(
      'timeout',
      `Cannot reserve memory: process ${pid} has held ${lock} for ${LOCK_LIMIT_MS / 1000} s; ` +
        'end it if it hangs',
    );
  for (;;) {
    try {
      takeLock(lock, refusal);
      return;
    } catch (error) {
      const isHeld = error instanceof KgetError && error.code === 'timeout';
      if (!isHeld || clock.nowMs() - sinceMs >= LOCK_LIMIT_MS) throw error;
    }
    await clock.sleep(LOCK_RETRY_MS);
  }
}

/** Machines that hold their memory, and those that are about to. */
async function holdersOf({ place, hypervisor }: AdmissionOptions): Promise<MemoryClaim[]> {
  const machines = await hypervisor.list();
  const live = machines
    .filter(({ name, state }) => holdsMemory(state, existsSync(machinePaths(place, name).record)))
    .map(({ name, spec }) => ({ vm: name, memoryBytes: spec.memoryBytes }));
  const listed = new Set(live.map(({ vm }) => vm));
  return [...live, ...reservationsIn(place.reservations).filter(({ vm }) => !listed.has(vm))];
}

/** Those of processes that are gone are removed. */
function reservationsIn(directory: string): MemoryClaim[] {
  return readdirSync(directory).flatMap((vm) => {
    const file = join(directory, vm);
    const [owner = '', bytes] = textOf(file).split('\n');
    if (isRunning(`${owner}\n`)) return [{ vm, memoryBytes: Number(bytes) }];
    rmSync(file, { force: true });
    return [];
  });
}

/** Empty if it was given back meanwhile. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}
