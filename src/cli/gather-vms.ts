import { Option, type Command } from 'commander';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { segmentMatcher } from '../base/glob-segment.ts';
import { expandBraces } from '../base/glob.ts';
import { KgetError, toFailure, type Failure } from '../base/error.ts';
import type { Hosts } from '../job/hosts/hosts.ts';
import { cut, type PlacedVm } from '../job/life/cut.ts';
import { cutFiles } from '../job/run/cut-vms.ts';
import { collect } from './collect.ts';
import { VM_CHUNK_BYTES } from './collect-files.ts';
import type { LaunchOptions } from './node-launcher.ts';
import { hostCrew, type HostCrew } from './host-crew.ts';
import type { System } from './system.ts';
import { cutRow, cutText } from './vm-cut.ts';

/** What `gather` is told of machines. */
export interface GatherVmsOptions {
  readonly vms: boolean;
  readonly memory: boolean;
  readonly full: boolean;
  readonly hypervisor: 'qemu' | 'libvirt';
  readonly nodeDir?: string;
  /** Directories on nodes of a cut that was taken before: with it an interrupted run goes on. */
  readonly cut: readonly string[];
}

/** Declares the options of `gather` that are about machines. */
export function addGatherVmsOptions(command: Command): Command {
  return command
    .option(
      '--vms',
      'snapshot running machines at one cut, and gather these; PATH is their name',
      false,
    )
    .option('--memory', 'with --vms: with memory, so that a restored guest goes on', false)
    .option('--full', 'with --vms: copy everything, not only what has changed', false)
    .addOption(
      new Option('--hypervisor <kind>', 'with --vms: what runs them')
        .choices(['qemu', 'libvirt'])
        .default('qemu'),
    )
    .option('--node-dir <dir>', 'with --vms: where machines lie [~/.local/share/kgetplus]')
    .addOption(new Option('--cut <dir>').argParser(collect).default([]).hideHelp());
}

/** A cut whose files are to be gathered. */
export interface GatheredCut {
  /** Those that have files; undefined for all that were asked for. */
  readonly nodes: readonly string[] | undefined;
  /** Globs of its files on the nodes. */
  readonly patterns: readonly string[];
  /** Words behind the command with which an interrupted run goes on. */
  readonly words: readonly string[];
  /** Removes what is left of the cut on a node. */
  drop(node: string): Promise<Failure | undefined>;
}

export interface WantedMachines {
  readonly nodes: readonly string[];
  /** Globs of names; none stand for all. */
  readonly names: readonly string[];
  readonly options: GatherVmsOptions & LaunchOptions;
}

/** A host may have many machines to look at. */
const LOOK_LIMIT_MS = 60_000;
const DROP_LIMIT_MS = 60_000;

/**
 * Takes snapshots of the running machines of nodes at one cut, and tells on standard error how long
 * each stood still; or goes on with one that was taken.
 * @throws KgetError `no-match` if there are none; `unreachable` if a node cannot be asked
 */
export async function cutOnNodes(wanted: WantedMachines, system: System): Promise<GatheredCut> {
  const { options } = wanted;
  const crew = await hostCrew(
    {
      reach: {
        ssh: options.ssh,
        launcher: options.launcher,
        remoteNode: options.remoteNode ?? null,
        directory: options.nodeDir ?? null,
        memoryLimitBytes: null,
        sharedDirectory: null,
      },
      hypervisor: options.hypervisor,
      chunkSizeBytes: VM_CHUNK_BYTES,
      workDirectory: join(tmpdir(), 'kgetplus-frontend'),
    },
    system,
  );
  const isTaken = options.cut.length > 0;
  const taken = isTaken ? { nodes: undefined, patterns: [] } : await takeCut(wanted, crew, system);
  const directories = isTaken
    ? options.cut
    : taken.patterns.map((pattern) => pattern.replace(/\/\*$/, ''));
  return {
    nodes: taken.nodes,
    patterns: directories.map((directory) => `${directory}/*`),
    words: isTaken ? [] : directories.flatMap((it) => ['--cut', it]),
    drop: (node) => dropOn(node, directories, crew, system),
  };
}

async function takeCut(
  { nodes, names, options }: WantedMachines,
  crew: HostCrew,
  system: System,
): Promise<ReturnType<typeof cutFiles>> {
  const { memory, full } = options;
  await using hosts = await crew.start(nodes, system.interrupt);
  const vms = await runningOn(hosts, names, system);
  const name = `cut-${system.entropy.hex(6)}`;
  const results = await cut(vms, { memory, full, name, signal: system.interrupt });
  system.stderr.write(cutText(results.map(cutRow)));
  const taken = results.filter((it) => it.state === 'taken');
  const failed = results.find((it) => it.state === 'failed');
  if (failed !== undefined && taken.length === 0) {
    throw new KgetError(failed.failure.code, `${failed.vm}: ${failed.failure.message}`);
  }
  return cutFiles(taken);
}

async function runningOn(
  hosts: Hosts,
  names: readonly string[],
  { interrupt: signal }: System,
): Promise<readonly PlacedVm[]> {
  const [silent] = hosts.failures;
  if (silent !== undefined) {
    const [node, { message }] = silent;
    throw new KgetError(
      'unreachable',
      `Cannot snapshot machines at one cut: ${node}: ${message}; leave the node out with -x`,
    );
  }
  const matchers = names.flatMap(expandBraces).map(segmentMatcher);
  const isWanted = (vm: string): boolean =>
    matchers.length === 0 || matchers.some((matches) => matches(vm));
  const found = await Promise.all(
    [...hosts.all.values()].map(async (host) => {
      const terms = { limitMs: LOOK_LIMIT_MS, signal };
      const { vms } = await host.caller.call('look', { job: null }, terms);
      return vms
        .filter(({ state, name }) => (state === 'running' || state === 'paused') && isWanted(name))
        .map(({ name }): PlacedVm => ({ vm: name, host }));
    }),
  );
  const vms = found.flat();
  if (vms.length > 0) return vms;
  const wanted = names.length === 0 ? '' : ` called ${names.join(' or ')}`;
  throw new KgetError('no-match', `Cannot snapshot: no machine${wanted} runs on these nodes`);
}

async function dropOn(
  node: string,
  directories: readonly string[],
  crew: HostCrew,
  { interrupt }: System,
): Promise<Failure | undefined> {
  try {
    const host = await crew.startOne(node, interrupt);
    try {
      for (const directory of directories) {
        const name = directory.slice(directory.lastIndexOf('/') + 1);
        await host.caller.call('drop-cut', { cut: name }, { limitMs: DROP_LIMIT_MS });
      }
      return undefined;
    } finally {
      host.caller.close();
    }
  } catch (error) {
    return toFailure(error);
  }
}
