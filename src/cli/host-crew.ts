import type { Launcher } from '../control/channel.ts';
import type { AnswerMessage, CallMessage, RequestOf } from '../control/calls.ts';
import type { HostCalls } from '../control/host-calls.ts';
import { localLauncher } from '../control/local-launcher.ts';
import { startHost, startHosts, type Host, type Hosts } from '../job/hosts/hosts.ts';
import type { JobAccess } from '../job/record/job-record.ts';
import { FRONTEND } from '../planner/types.ts';
import { createAuthority } from '../transfer/identity.ts';
import { HOST_WINDOW } from './host-access.ts';
import { nodeLauncher, type LaunchOptions } from './node-launcher.ts';
import type { System } from './system.ts';

export type HostReach = Pick<
  JobAccess,
  'ssh' | 'launcher' | 'remoteNode' | 'directory' | 'memoryLimitBytes' | 'sharedDirectory'
>;

/** Starts host agents that trust each other: those of one command. */
export interface HostCrew {
  /** Nodes whose agents cannot be started are told of in `failures`. */
  start(nodes: readonly string[], signal: AbortSignal): Promise<Hosts>;
  startOne(node: string, signal: AbortSignal): Promise<Host>;
  /** The agent of this host, which gives files to the others. */
  startFrontend(signal: AbortSignal): Promise<Host>;
}

export interface CrewOptions {
  readonly reach: HostReach;
  /** `none` if no machines are meant. */
  readonly hypervisor: 'qemu' | 'libvirt' | 'none';
  readonly chunkSizeBytes: number;
  /** Where the frontend's agent keeps what it needs. */
  readonly workDirectory: string;
}

type Terms = Omit<RequestOf<HostCalls, 'configure'>, 'node' | 'identity'>;

/** @throws KgetError `usage` for a remote shell that is none */
export async function hostCrew(options: CrewOptions, system: System): Promise<HostCrew> {
  const { reach, hypervisor, chunkSizeBytes, workDirectory } = options;
  const authority = await createAuthority(new Date());
  const { clock } = system;
  const remote = nodeLauncher(system.host, launchOptions(reach), system);
  const here = localLauncher({ ...system.host, clock });
  const terms: Terms = {
    chunkSizeBytes,
    directory: reach.directory,
    hypervisor,
    memoryLimitBytes: reach.memoryLimitBytes,
    ...(reach.sharedDirectory !== null && { sharedDirectory: reach.sharedDirectory }),
  };

  const onNotice = (node: string, text: string): void => {
    system.stderr.write(`${node}: ${text}\n`);
  };

  function startOptions(
    launcher: Launcher<CallMessage, AnswerMessage>,
    own: Terms,
    signal: AbortSignal,
  ) {
    return { launcher, clock, identify: authority.issue, terms: own, signal, onNotice };
  }

  return {
    start: (nodes, signal) => startHosts(nodes, startOptions(remote, terms, signal)),
    startOne: (node, signal) => startHost(node, startOptions(remote, terms, signal)),
    startFrontend(signal) {
      const own: Terms = {
        ...terms,
        directory: workDirectory,
        hypervisor: 'none',
        memoryLimitBytes: null,
      };
      return startHost(FRONTEND, startOptions(here, own, signal));
    },
  };
}

/** How programs start on the nodes. */
export function launchOptions({ ssh, launcher, remoteNode }: HostReach): LaunchOptions {
  const window = HOST_WINDOW;
  return { ssh, launcher, window, ...(remoteNode !== null && { remoteNode }) };
}
