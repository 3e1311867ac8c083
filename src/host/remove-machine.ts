import { existsSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import { readMachineRecords, removeMachineFiles } from './machine-files.ts';
import type { MachineNode } from './node.ts';
import { machinePaths } from './node-place.ts';

/** A process that was killed takes a moment to be gone. */
const GONE_LIMIT_MS = 10_000;
const GONE_LOOK_MS = 50;

/**
 * Removes a machine with all its files, and confirms that no process of it is left. Idempotent.
 * @throws KgetError `internal` if something is left
 */
export async function removeMachine(node: MachineNode, vm: string): Promise<void> {
  const { machines, place } = node;
  await machines.hypervisor.remove(vm);
  machines.cuts.forget(vm);
  await confirmGone(node, vm);
  removeMachineFiles(place, vm);
}

/** Removes all machines of a job. Idempotent. Returns their names. */
export async function cleanJob(node: MachineNode, job: string): Promise<string[]> {
  const { machines, place } = node;
  const names = [...readMachineRecords(place)].flatMap(([vm, wanted]) =>
    wanted.job === job ? [vm] : [],
  );
  const removals = names.map((vm) => machines.turns.take(vm, () => removeMachine(node, vm)));
  // All are tried before the first failure counts.
  const failed = (await Promise.allSettled(removals)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  const listed = new Set((await machines.hypervisor.list()).map(({ name }) => name));
  const left = names.filter((vm) => listed.has(vm) || existsSync(machinePaths(place, vm).record));
  if (left.length === 0) return names;
  throw new KgetError(
    'internal',
    `Cannot clean job "${job}" on ${node.name}: ${left.join(', ')} are there again; clean once more`,
  );
}

async function confirmGone({ clock, facts, place }: MachineNode, vm: string): Promise<void> {
  const { directory } = machinePaths(place, vm);
  const sinceMs = clock.nowMs();
  for (;;) {
    const left = facts.processesOf(`${directory}/`);
    if (left.length === 0) return;
    if (clock.nowMs() - sinceMs >= GONE_LIMIT_MS) {
      throw new KgetError(
        'internal',
        `Cannot remove machine "${vm}": process ${left.join(', ')} still works with ` +
          `${directory}; end it, and remove the machine again`,
      );
    }
    await clock.sleep(GONE_LOOK_MS);
  }
}
