import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { segmentMatcher } from '../base/glob-segment.ts';
import { KgetError } from '../base/error.ts';
import type { Host, Hosts } from '../job/hosts/hosts.ts';
import { chooseVm } from '../job/record/job-id.ts';
import { jobDirectory, jobIds } from '../job/record/jobs.ts';
import { surveyMachines, type SeenVm, type Survey } from '../job/run/survey.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import { collect } from './collect.ts';
import { VM_CHUNK_BYTES } from './collect-files.ts';
import { accessOf, addAccessOptions, type AccessOptions } from './host-access.ts';
import { hostCrew, type HostCrew, type HostReach } from './host-crew.ts';
import { stateOf } from './job-wait.ts';
import { chooseNodes, nodeSetFiles } from './nodes.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { crewOfJob } from './vm-crew.ts';

/** How machines are named: those of a job, or with `-w` those of nodes by name. */
export interface VmTargetOptions extends StoreOption, AccessOptions {
  readonly nodes?: readonly string[];
  readonly hypervisor: 'qemu' | 'libvirt';
}

const VM_TARGET_HELP = `
A job is named by its id, the beginning of it, or "latest", and is reached as it was submitted; JOB.N is
one of its machines. With -w, machines of nodes are named as they are called there, or by a glob: those
that were restored, say.`;

/** Declares the argument and the options that say which machines a command is for. */
export function addVmTarget(command: Command): Command {
  command
    .argument('<vms>', 'JOB or JOB.N; with -w, a name or glob')
    .option('-w, --nodes <nodes>', 'machines of these nodes, by name', collect)
    .addOption(
      new Option('--hypervisor <kind>', 'with -w: what runs them')
        .choices(['qemu', 'libvirt'])
        .default('qemu'),
    )
    .addHelpText('after', VM_TARGET_HELP);
  return addAccessOptions(addStoreOption(command));
}

/** Machines that a command is for, as they are found on their nodes. */
export interface VmTarget extends AsyncDisposable {
  /** In order of their numbers. */
  readonly vms: readonly SeenVm[];
  readonly reach: HostReach;
  /** Where snapshots of them go. */
  readonly store: string;
  /** The host agent of any of the nodes. @throws KgetError `usage`, `unreachable` */
  hostAt(node: string): Host;
}

/** Where machines are looked for. */
interface Search {
  readonly nodes: readonly string[];
  readonly reach: HostReach;
  readonly crew: HostCrew;
  /** Null for whatever is there. */
  readonly job: string | null;
  /** It is one machine that is wanted: once it is found, nobody else need be asked. */
  readonly isOne: boolean;
  isWanted(name: string): boolean;
}

/**
 * Finds machines by asking nodes for them.
 * @throws KgetError `usage` if there are none, `unreachable` if a node that may have one is silent
 */
export async function findVms(
  text: string,
  options: VmTargetOptions,
  system: System,
): Promise<VmTarget> {
  const search = await searchFor(text, options, system);
  const { nodes, reach, crew, job } = search;
  const hosts = await crew.start(nodes, system.interrupt);
  try {
    const survey = await surveyMachines(job, [...hosts.all.values()], system.interrupt);
    return {
      vms: wantedOf(survey, hosts, { ...search, text }),
      reach,
      store: storeAt(options, system).directory,
      hostAt(node) {
        if (nodes.includes(node)) return hosts.at(node);
        const known = foldNodeSet(nodes);
        throw new KgetError('usage', `Cannot use ${node}: it is none of the nodes ${known}`);
      },
      [Symbol.asyncDispose]: () => hosts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await hosts[Symbol.asyncDispose]();
    throw error;
  }
}

async function searchFor(text: string, options: VmTargetOptions, system: System): Promise<Search> {
  const place = storeAt(options, system);
  if (options.nodes !== undefined) {
    const { nodes } = chooseNodes(options.nodes, [], nodeSetFiles(system));
    const reach = accessOf(options);
    const workDirectory = join(tmpdir(), 'kgetplus-frontend');
    const { hypervisor } = options;
    const terms = { reach, hypervisor, chunkSizeBytes: VM_CHUNK_BYTES, workDirectory };
    const crew = await hostCrew(terms, system);
    return { nodes, reach, crew, job: null, isOne: false, isWanted: segmentMatcher(text) };
  }
  const { job, vm } = chooseVm(text, jobIds(place.directory));
  const directory = jobDirectory(place.directory, job);
  const state = stateOf({ place, job, directory });
  const crew = await crewOfJob(state, directory, system);
  const isWanted = (name: string): boolean => vm === null || name === vm;
  const { nodes } = state.spec;
  return { nodes, reach: state.access, crew, job, isOne: vm !== null, isWanted };
}

function wantedOf(
  survey: Survey,
  { failures }: Hosts,
  wanted: Pick<Search, 'isOne' | 'isWanted'> & { readonly text: string },
): readonly SeenVm[] {
  const { text, isOne } = wanted;
  const vms = [...survey.vms.values()]
    .filter(({ found }) => wanted.isWanted(found.name))
    .toSorted((one, other) => compare(one.found.name, other.found.name));
  const [silent] = [...failures, ...survey.silent];
  if (silent !== undefined && !(isOne && vms.length > 0)) {
    const [node, { message }] = silent;
    throw new KgetError('unreachable', `Cannot tell where ${text} is: ${node}: ${message}`);
  }
  if (vms.length > 0) return vms;
  throw new KgetError('usage', `Cannot use ${text}: no node that was asked has such a machine`);
}

function compare(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
