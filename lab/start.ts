import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';

import { openLab, removeLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { hostsOf, layOut, MAX_NODES, namespacesOf } from './layout.ts';
import type { LabState } from './layout.ts';
import { prepareMounts } from './mounts.ts';
import { buildNetwork, HOSTS_AT_ONCE } from './network.ts';
import { existingNamespaces } from './processes.ts';
import type { RackOptions } from './racks.ts';
import { register, registryOf } from './registry.ts';
import { missingForLab } from './requirements.ts';
import { rateBytesPerSecond } from './shaping.ts';
import { prepareSsh, startSshd } from './sshd.ts';
import { allDone, forEachLimited } from './tools.ts';

export interface LabOptions {
  readonly nodes: number;
  /** Of every node's link, both ways, as tc(8) writes it: `40mbit`. */
  readonly rate: string;
  /** Of the frontend's link; by default the same. */
  readonly frontendRate?: string;
  /** Deals the nodes to racks with an uplink each; by default all are on the frontend's bridge. */
  readonly racks?: RackOptions;
  /** Of the lab; by default a new one. Namespaces are called `<name>-kn01` and so on. */
  readonly name?: string;
  /** Where the lab's folder goes, with the hosts' files in it; by default `os.tmpdir()`. */
  readonly directory?: string;
  /** Whether the lab outlives this process; a lab that does not is stale once its owner is gone. */
  readonly keep?: boolean;
}

/**
 * Brings up a cluster in network namespaces: nodes `kn01`, `kn02`, … and a frontend, with an sshd
 * each, over shaped links on one bridge, or in racks. Nothing stays of a lab that cannot be brought
 * up.
 *
 * ```ts
 * await using lab = await startLab({ nodes: 6, rate: '40mbit' });
 * await lab.run(lab.frontend, ['ssh', '-F', lab.sshConfig, 'kn01', 'hostname']);
 * ```
 *
 * @throws Error on wrong options, where something is missing (`missingForLab`), or what a tool says
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const state = planLab(options);
  const missing = missingForLab();
  if (missing.length > 0) throw new Error(`Cannot bring up a lab here: ${missing.join('; ')}`);
  const clash = existingNamespaces(namespacesOf(state));
  if (clash.length > 0) {
    throw new Error(
      `Cannot make lab "${state.name}": network namespace ${clash[0]} exists already`,
    );
  }
  register(state);
  try {
    await build(state);
  } catch (error) {
    await removeLab(state);
    throw error;
  }
  return openLab(state);
}

async function build(state: LabState): Promise<void> {
  await mkdir(state.directory, { recursive: true, mode: 0o700 });
  await allDone([buildNetwork(state), prepareMounts(state), prepareSsh(state)]);
  await forEachLimited(hostsOf(state), HOSTS_AT_ONCE, async (host) => startSshd(state, host));
}

function planLab(options: LabOptions): LabState {
  const { nodes, rate, frontendRate = rate } = options;
  const name = options.name ?? `kgl${randomBytes(4).toString('hex')}`;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_NODES) {
    throw new Error(`Cannot make a lab of ${nodes} nodes: wanted 1 to ${MAX_NODES}`);
  }
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) {
    throw new Error(
      `Cannot call a lab "${name}": wanted a letter, then up to 31 of a-z, 0-9 and "-"`,
    );
  }
  for (const each of [rate, frontendRate]) rateBytesPerSecond(each);
  const registry = registryOf(name);
  return layOut({
    name,
    nodes,
    racks: options.racks,
    rate,
    frontendRate,
    ownerPid: options.keep === true ? null : process.pid,
    createdAt: new Date().toISOString(),
    registry,
    directory:
      options.directory === undefined ? registry : resolve(options.directory, basename(registry)),
  });
}
