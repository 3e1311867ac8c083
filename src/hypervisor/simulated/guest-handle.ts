import { upMs } from './guest.ts';
import type { VmExit } from '../hypervisor.ts';
import { endGuest, writeToRoot, type SimulatedMachine } from './machine.ts';
import { settleMachine } from './progress.ts';

/** A guest, as somebody sees it who sits in it. */
export interface GuestHandle {
  /** How long it has been up, by its own time; below 0 before. */
  upMs(): number;
  /** Writes to its root disk; resolves when it is written, which is not while it is frozen. */
  write(sizeBytes: number): Promise<void>;
  /** From now on it does not mind the power button. */
  ignoreButton(): void;
  panic(): void;
  powerOff(): void;
}

export function guestHandle(machine: SimulatedMachine): GuestHandle {
  function end(exit: VmExit): void {
    settleMachine(machine);
    if (machine.state === 'running') endGuest(machine, exit);
  }

  return {
    upMs() {
      settleMachine(machine);
      return machine.exit === null ? upMs(machine.script, machine.memory) : -Infinity;
    },
    async write(sizeBytes) {
      settleMachine(machine);
      while (machine.frozenUntilMs !== null) {
        const thawed = Promise.withResolvers<void>();
        machine.onThaw.add(thawed.resolve);
        await thawed.promise;
        machine.onThaw.delete(thawed.resolve);
      }
      writeToRoot(machine, sizeBytes);
    },
    ignoreButton() {
      machine.memory = { ...machine.memory, ignoresButton: true };
    },
    panic: () => end({ reason: 'panicked', detail: 'the guest has panicked' }),
    powerOff: () => end({ reason: 'guest', detail: 'the guest has shut down' }),
  };
}
