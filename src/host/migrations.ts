import { rmSync, writeFileSync } from 'node:fs';
import type { RequestOf, ResultOf } from '../control/calls.ts';
import type { HostCalls, WantedVm } from '../control/host-calls.ts';
import { KgetError } from '../base/error.ts';
import type { MigrationIdentity } from '../hypervisor/hypervisor.ts';
import { peerName } from '../transfer/peer-name.ts';
import { readMachineRecord, removeMachineFiles } from './machine-files.ts';
import { makeMachine, withNames } from './make-machine.ts';
import type { MachineNode } from './node.ts';
import { machinePaths } from './node-place.ts';

/**
 * On the target: makes room for a machine that comes from elsewhere. What its disk starts from must
 * be here, even if the machine has read it over NBD so far.
 */
export async function prepareMigration(
  node: MachineNode,
  { wanted, address, sharedStorage, source }: RequestOf<HostCalls, 'prepare-migration'>,
): Promise<ResultOf<HostCalls, 'prepare-migration'>> {
  const { hypervisor } = node.machines;
  const local: WantedVm = { ...wanted, disk: { ...wanted.disk, nbdUrl: null } };
  const endpoint = await makeMachine(
    node,
    withNames(local, node.name),
    (spec) =>
      hypervisor.prepareMigration(spec, {
        address,
        sharedStorage,
        identity: identify(node, source),
      }),
    sharedStorage ? 'elsewhere' : 'own',
  );
  return { endpoint };
}

/** On the source: moves a machine; when it throws, the machine runs on here. */
export async function migrate(
  node: MachineNode,
  { vm, endpoint, target, ...terms }: RequestOf<HostCalls, 'migrate'>,
  signal: AbortSignal,
): Promise<ResultOf<HostCalls, 'migrate'>> {
  const { cuts, hypervisor } = node.machines;
  if (cuts.isBusy(vm)) {
    throw new KgetError(
      'usage',
      `Cannot migrate machine "${vm}": a snapshot of it is being written; wait for its end`,
    );
  }
  const figures = await hypervisor.migrate(vm, endpoint, {
    ...terms,
    identity: identify(node, target),
    signal,
  });
  if (terms.sharedStorage) writeFileSync(machinePaths(node.place, vm).elsewhere, '');
  return figures;
}

/** Who this node is to the one named; nobody, if it was not said which that is. */
function identify({ identity }: MachineNode, peer: string): MigrationIdentity {
  return { ...identity, peerName: peerName(peer) };
}

/** On the target, when the source is through: the machine runs here. */
export async function finishMigration(
  node: MachineNode,
  { vm, events, log }: RequestOf<HostCalls, 'finish-migration'>,
): Promise<void> {
  const paths = machinePaths(node.place, vm);
  if (readMachineRecord(paths) === null) {
    throw new KgetError('usage', `Cannot finish the migration of "${vm}": none was prepared here`);
  }
  writeFileSync(paths.earlierStatus, events.map((line) => `${line}\n`).join(''));
  writeFileSync(paths.earlierLog, log);
  await node.machines.hypervisor.finishMigration(vm);
  rmSync(paths.elsewhere, { force: true });
}

/** On the target: nothing came of it. Idempotent. */
export async function abandonMigration(node: MachineNode, vm: string): Promise<void> {
  const { hypervisor } = node.machines;
  const found = (await hypervisor.list()).find(({ name }) => name === vm);
  if (found !== undefined && found.state !== 'incoming') {
    throw new KgetError(
      'usage',
      `Cannot abandon the migration of "${vm}": it is ${found.state} here; remove it instead`,
    );
  }
  await hypervisor.abandonMigration(vm);
  removeMachineFiles(node.place, vm);
}
