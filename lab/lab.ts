import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { rm } from 'node:fs/promises';

import { filesOf, hostsOf, namespacesOf } from './layout.ts';
import type { LabHost, LabState } from './layout.ts';
import { enterCommand, hostEnvironment, releaseMountPoint } from './mounts.ts';
import { readCounter, readUplink, reshape, switchPort } from './network.ts';
import { existingNamespaces, killProcesses } from './processes.ts';
import type { LabRack } from './racks.ts';
import { startSshd } from './sshd.ts';
import { runTool, TOOL_PATH } from './tools.ts';

/** A running lab. */
export interface Lab extends AsyncDisposable {
  readonly name: string;
  readonly directory: string;
  readonly nodes: readonly LabHost[];
  readonly frontend: LabHost;
  /** None if all nodes are on the frontend's bridge. */
  readonly racks: readonly LabRack[];
  /** An ssh_config(5) that reaches every host by name from any host of the lab: `ssh -F`. */
  readonly sshConfig: string;
  /** The host with this name. @throws Error */
  host(name: string): LabHost;
  /**
   * Starts a command on a host, in `/labnode`; the child is the command itself, so signals reach
   * it. `env` is added to the host's environment.
   */
  exec(host: LabHost, argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Runs a command on a host to its end and returns what it printed. @throws Error if it fails */
  run(host: LabHost, argv: readonly string[], input?: string): Promise<string>;
  /** Bytes that a host's link brought to it so far, frames in full. */
  bytesReceived(host: LabHost): Promise<number>;
  /** Bytes that a host sent over its link so far, frames in full. */
  bytesSent(host: LabHost): Promise<number>;
  /** Bytes that a rack's uplink brought to the core and from it so far, frames in full. */
  uplinkBytes(rack: LabRack): Promise<{ readonly upBytes: number; readonly downBytes: number }>;
  linkDown(host: LabHost): Promise<void>;
  linkUp(host: LabHost): Promise<void>;
  /** Shapes both ways of a host's link anew, e.g. to `10mbit`. */
  setRate(host: LabHost, rate: string): Promise<void>;
  /** Kills a host's sshd with all its connections; what they had started lives on. */
  killSshd(host: LabHost): Promise<void>;
  startSshd(host: LabHost): Promise<void>;
  /** Removes the lab with all that runs in it; what is gone already does not matter. */
  stop(): Promise<void>;
}

/** The lab that a state file describes. */
export function openLab(state: LabState): Lab {
  const stop = async (): Promise<void> => removeLab(state);
  return {
    name: state.name,
    directory: state.directory,
    nodes: state.nodes,
    frontend: state.frontend,
    racks: state.racks,
    sshConfig: filesOf(state).sshConfig,
    host: (name) => findHost(state, name),
    exec: (host, argv, options = {}) => execute(state, host, argv, options),
    run: async (host, argv, input) =>
      runTool(enterCommand(state, host, ['env', ...environmentWords(), ...argv]), input),
    bytesReceived: async (host) => readCounter(host, 'rx_bytes'),
    bytesSent: async (host) => readCounter(host, 'tx_bytes'),
    uplinkBytes: async (rack) => readUplink(state, rack),
    linkDown: async (host) => switchPort(state, host, 'down'),
    linkUp: async (host) => switchPort(state, host, 'up'),
    setRate: async (host, rate) => reshape(state, host, rate),
    killSshd: async (host) =>
      killProcesses([host.namespace], (command) => command.startsWith('sshd')),
    startSshd: async (host) => startSshd(state, host),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Removes exactly what a lab put on the machine; works on half-made and half-removed labs. */
export async function removeLab(state: LabState): Promise<void> {
  const namespaces = existingNamespaces(namespacesOf(state));
  await killProcesses(namespaces);
  const deletions = namespaces.map((name) => `netns delete ${name}\n`);
  if (deletions.length > 0) await runTool(['ip', '-batch', '-'], deletions.join(''));
  await releaseMountPoint(state);
  await rm(state.directory, { recursive: true, force: true });
  await rm(state.registry, { recursive: true, force: true });
}

function findHost(state: LabState, name: string): LabHost {
  const found = hostsOf(state).find((host) => host.name === name);
  if (found !== undefined) return found;
  const names = hostsOf(state).map((host) => host.name);
  throw new Error(
    `Cannot find host "${name}" in lab "${state.name}": there are ${names.join(' ')}`,
  );
}

function execute(
  state: LabState,
  host: LabHost,
  argv: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const [tool, ...rest] = enterCommand(state, host, argv);
  const environment = { ...process.env, ...hostEnvironment(), PATH: TOOL_PATH, ...options.env };
  return spawn(tool, rest, { ...options, env: environment });
}

function environmentWords(): readonly string[] {
  return Object.entries(hostEnvironment()).map(([name, value]) => `${name}=${value}`);
}
