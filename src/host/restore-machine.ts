import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { RequestOf, ResultOf } from '../control/calls.ts';
import type { DeployedFile, HostCalls, WantedVm } from '../control/host-calls.ts';
import { OUTPUT_DISK } from '../guest/protocol.ts';
import type { SnapshotFiles } from '../hypervisor/hypervisor.ts';
import { ROOT_DISK } from './compose-spec.ts';
import { confirmHere, makeMachine } from './make-machine.ts';
import type { MachineNode } from './node.ts';
import { copySparse } from './published-snapshot.ts';

type Restoration = RequestOf<HostCalls, 'restore'>;

/**
 * Makes a machine from a snapshot, over its files in the cache. Its root disk is from then on that
 * of the snapshot: what it was made from need not be here.
 * @throws KgetError `corrupt` if the snapshot lacks a file; what `makeMachine` throws
 */
export async function restoreMachine(
  node: MachineNode,
  restoration: Restoration,
): Promise<ResultOf<HostCalls, 'restore'>> {
  const { description, disks } = restoration;
  const { hypervisor } = node.machines;
  const root = disks[ROOT_DISK];
  const hasMemory = restoration.memory !== null;
  if (root === undefined || hasMemory !== (description.memory !== null))
    throw incomplete(restoration);
  const wanted: WantedVm = {
    ...description.wanted,
    disk: { file: root, format: 'raw', nbdUrl: null },
  };
  const outputs = disks[OUTPUT_DISK];
  const { memory } = restoration;
  await confirmHere(
    node,
    wanted,
    [outputs, memory].filter((it) => it !== undefined && it !== null),
  );
  const pathOf = ({ digest }: DeployedFile): string => node.cache.pathOf(digest);
  await makeMachine(node, wanted, async (spec, paths) => {
    if (outputs !== undefined) restoreOutputs(pathOf(outputs), paths.outputs);
    const said = hasMemory ? description.events : [];
    writeFileSync(paths.earlierStatus, said.map((line) => `${line}\n`).join(''));
    const state = join(paths.directory, 'memory.json');
    writeFileSync(state, description.memory ?? '');
    const files: SnapshotFiles = {
      disks: { [ROOT_DISK]: pathOf(root) },
      memory: memory && { state: pathOf(memory), description: state },
    };
    await hypervisor.restore(spec, files);
  });
  return { state: (await hypervisor.look(wanted.name)).state };
}

/** The guest has a disk of the size that it had. */
function restoreOutputs(from: string, to: string): void {
  const [found, wanted] = [statSync(from).size, statSync(to).size];
  if (found === wanted) return copySparse(from, to);
  throw new KgetError(
    'corrupt',
    `Cannot restore the disk of outputs from ${from}: ${found} B found, wanted ${wanted} B`,
  );
}

function incomplete({ description, disks, memory }: Restoration): KgetError {
  const disk = disks[ROOT_DISK] === undefined ? `no disk "${ROOT_DISK}"` : 'its disk';
  const state = memory === null ? 'no memory' : 'memory';
  const devices = description.memory === null ? 'no description of devices' : 'one of devices';
  return new KgetError(
    'corrupt',
    `Cannot restore machine "${description.wanted.name}": found ${disk}, ${state} and ${devices}; ` +
      'wanted the disk, and of the others both or none',
  );
}
