import { KgetError } from '../base/error.ts';
import type { DeployedFile, WantedVm } from '../control/host-calls.ts';
import type { VmSpec } from '../hypervisor/vm-spec.ts';
import { composeSpec, neededFiles } from './compose-spec.ts';
import { makeMachineFiles, removeMachineFiles, type Outputs } from './machine-files.ts';
import type { MachineNode } from './node.ts';
import type { MachinePaths } from './node-place.ts';

/**
 * Makes the files of a machine and has `give` bring it to the hypervisor, while its memory is
 * reserved. If it throws, nothing of the machine is here.
 * @throws KgetError `usage` for another architecture, missing files, or a name that is taken;
 *   `no-room`; what `give` throws
 */
export async function makeMachine<T>(
  node: MachineNode,
  wanted: WantedVm,
  give: (spec: VmSpec, paths: MachinePaths) => Promise<T>,
  outputs: Outputs = 'own',
): Promise<T> {
  const { machines, place } = node;
  const { name: vm, memoryBytes } = wanted;
  confirmArch(node, wanted);
  await confirmHere(node, wanted, neededFiles(wanted));
  const pathOf = (digest: string): string => node.cache.pathOf(digest);
  using _memory = await machines.admission.reserve({ vm, memoryBytes });
  const paths = await makeMachineFiles(place, wanted, outputs);
  try {
    return await give(composeSpec({ wanted, paths, pathOf }), paths);
  } catch (error) {
    removeMachineFiles(place, vm);
    throw error;
  }
}

/** What every command of a job finds in its environment, besides what the job has set. */
export function withNames(wanted: WantedVm, node: string): WantedVm {
  const { task, job, name } = wanted;
  if (task === null) return wanted;
  const names = { KGETPLUS_JOB: job, KGETPLUS_VM: name, KGETPLUS_NODE: node };
  return { ...wanted, task: { ...task, environment: { ...task.environment, ...names } } };
}

/** @throws KgetError `usage` if files that a machine starts from are not on this node */
export async function confirmHere(
  { name, cache }: MachineNode,
  wanted: WantedVm,
  files: readonly DeployedFile[],
): Promise<void> {
  const here = new Set(await cache.present(files));
  const missing = files.filter(({ digest }) => !here.has(digest));
  if (missing[0] === undefined) return;
  const found = `${missing.length} of its files are not on ${name}`;
  throw refusal(
    wanted,
    `${found}, the first is ${missing[0].digest.slice(0, 12)}; fetch them first`,
  );
}

function confirmArch({ name, machines }: MachineNode, wanted: WantedVm): void {
  if (wanted.arch === machines.arch) return;
  const found = `the image is ${wanted.arch}, ${name} is ${machines.arch}`;
  throw refusal(wanted, `${found}; take an image for it, or other nodes`);
}

function refusal({ name }: WantedVm, found: string): KgetError {
  return new KgetError('usage', `Cannot make machine "${name}": ${found}`);
}
