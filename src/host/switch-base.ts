import { KgetError } from '../base/error.ts';
import { ROOT_DISK } from './compose-spec.ts';
import { readMachineRecord, replaceMachineRecord } from './machine-files.ts';
import { confirmHere } from './make-machine.ts';
import type { MachineNode } from './node.ts';
import { machinePaths } from './node-place.ts';

/**
 * Has a machine that reads its disk over NBD read the file in the cache, from now on and whenever
 * it is started again. If it was broken off it can be done again.
 * @throws KgetError `usage` for a machine that is none of ours or that a snapshot is being taken of,
 *   a file that is not here, or a hypervisor that cannot
 */
export async function switchBase(node: MachineNode, vm: string): Promise<void> {
  const { cache, machines, place } = node;
  const paths = machinePaths(place, vm);
  const wanted = readMachineRecord(paths);
  if (wanted === null) {
    throw new KgetError('usage', `Cannot change the disk of "${vm}": it is no machine of a job`);
  }
  if (wanted.disk.nbdUrl === null) return;
  const { hypervisor } = machines;
  if (hypervisor.switchBase === undefined) {
    const found = `${hypervisor.kind} cannot do that while it runs`;
    throw new KgetError('usage', `Cannot change the disk of machine "${vm}": ${found}`);
  }
  if (machines.cuts.isInCut(vm)) {
    const found = 'a snapshot of it is being taken; try again after it';
    throw new KgetError('usage', `Cannot change the disk of machine "${vm}": ${found}`);
  }
  const { file, format } = wanted.disk;
  await confirmHere(node, wanted, [file]);
  await hypervisor.switchBase(vm, ROOT_DISK, { path: cache.pathOf(file.digest), format });
  await replaceMachineRecord(paths, { ...wanted, disk: { ...wanted.disk, nbdUrl: null } });
}
