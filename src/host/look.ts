import type { FoundVm, WantedVm } from '../control/host-calls.ts';
import type { VmFacts } from '../hypervisor/hypervisor.ts';
import { readMachineRecords } from './machine-files.ts';
import type { MachineNode } from './node.ts';
import { machinePaths } from './node-place.ts';
import { logBytes, readEvents } from './said.ts';

/** All machines here, or those of one job. */
export async function lookAround(node: MachineNode, job: string | null): Promise<FoundVm[]> {
  const facts = await node.machines.hypervisor.list();
  const records = readMachineRecords(node.place);
  return facts
    .map((it) => found(node, it, records.get(it.name) ?? null))
    .filter((it) => job === null || it.job === job);
}

function found({ place }: MachineNode, facts: VmFacts, wanted: WantedVm | null): FoundVm {
  const { name, state, spec, exit } = facts;
  const paths = machinePaths(place, name);
  return {
    name,
    job: wanted?.job ?? null,
    state,
    memoryBytes: spec.memoryBytes,
    cpus: spec.cpus,
    exit,
    events: readEvents(paths),
    logBytes: logBytes(paths),
    outputsPath: wanted === null || wanted.task === null ? null : paths.outputs,
  };
}
