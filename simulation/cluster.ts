import type { Dice } from '../fuzz/dice.ts';
import { runAgent } from '../src/agent/agent.ts';
import { KgetError } from '../src/base/error.ts';
import type { Clock } from '../src/base/clock.ts';
import type { AgentLauncher, LaunchedAgent } from '../src/control/channel.ts';
import type { CoordinatorMessage } from '../src/control/messages.ts';
import { createAttachPoint } from './machine/attach-point.ts';
import { NO_FAULTS, controlLink, type ControlLink } from './machine/channel.ts';
import { createDisk } from './machine/disk.ts';
import { createNetwork } from './machine/network.ts';
import {
  endProcess,
  type Host,
  type Machine,
  post,
  type Process,
  runIn,
  startProcess,
} from './machine/process.ts';
import { createTimeline } from './machine/timeline.ts';
import { setHosts } from './machine/tls.ts';
import { FRONTEND_HOST, type Scenario } from './scenario.ts';

const HOME = '/home/user';
export const SPOOL = `${HOME}/.cache/kgetplus/spool`;
export const TARGET = '/srv/target';

const LAUNCH_MS = 20;
/** How long ssh tries to reach a host that does not answer. */
const UNREACHABLE_MS = 8000;

/** The hosts of a scenario, and the agents that run on them. */
export interface Cluster {
  readonly machine: Machine;
  readonly hosts: ReadonlyMap<string, Host>;
  /** Of each host's latest agent. */
  readonly agents: Map<string, { readonly process: Process; readonly link: ControlLink }>;
  host(name: string): Host;
  /** What a coordinator in `process` starts agents with. */
  launchers(process: Process, taps: LaunchTaps): { nodes: AgentLauncher; frontend: AgentLauncher };
  losePower(host: Host): void;
  restorePower(host: Host): void;
}

/** Told of what the coordinator does. */
export interface LaunchTaps {
  launched(node: string): void;
  ordered(node: string, message: CoordinatorMessage): void;
}

export function createCluster(
  scenario: Scenario,
  dice: Dice,
  events: Pick<Machine, 'onEffect' | 'onFault'>,
): Cluster {
  const timeline = createTimeline();
  const network = createNetwork(timeline, dice);
  const machine: Machine = { timeline, dice, network, started: 0, processes: [], ...events };
  const hosts = new Map<string, Host>();
  const names = [FRONTEND_HOST, ...scenario.nodes.map(({ name }) => name)];
  for (const name of names)
    hosts.set(
      name,
      createHost(name, scenario, () => timeline.nowMs()),
    );
  for (const { name, images } of scenario.nodes) {
    const disk = hostNamed(name).disk;
    disk.makeDirectory('/images', 0o755);
    for (const { path, bytes } of images) {
      const file = disk.createFile(path, 0o644);
      disk.write(file, bytes, 0);
      disk.sync(file);
    }
    disk.sync(disk.resolve('/images'));
    disk.sync(disk.root);
  }
  setHosts([...hosts.values()]);
  const agents: Cluster['agents'] = new Map();

  function hostNamed(name: string): Host {
    const host = hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }
  function losePower(host: Host): void {
    host.isDown = true;
    for (const process of host.processes) endProcess(process, 'power');
    host.disk.losePower({ dice, survivingPercent: scenario.survivingPercent });
  }
  return {
    machine,
    hosts,
    agents,
    host: hostNamed,
    launchers(process, taps) {
      const launcher: AgentLauncher = {
        launch: (node, signal) => launch({ node, signal, process, taps }),
      };
      return { nodes: launcher, frontend: launcher };
    },
    losePower,
    restorePower(host) {
      host.isDown = false;
      network.changed();
    },
  };

  async function launch(order: {
    readonly node: string;
    readonly signal: AbortSignal;
    readonly process: Process;
    readonly taps: LaunchTaps;
  }): Promise<LaunchedAgent> {
    const { node, signal, process, taps } = order;
    const isLocal = !hosts.has(node) || node === FRONTEND_HOST;
    const host = isLocal ? process.host : hostNamed(node);
    taps.launched(node);
    const clock = clockOf(process);
    await clock.sleep(LAUNCH_MS + dice.below(LAUNCH_MS), signal);
    if (!network.isOpen(process.host, host)) {
      await clock.sleep(UNREACHABLE_MS, signal);
      throw new KgetError('unreachable', `Cannot reach ${node}: it does not answer (simulated)`);
    }
    if (signal.aborted) throw new KgetError('cancelled', `stopped starting the agent on ${node}`);
    const agent = startProcess(machine, host, isLocal ? 'frontend' : node);
    const faults = isLocal ? NO_FAULTS : scenario.channelFaults;
    const link = controlLink(process, agent, faults);
    agents.set(isLocal ? FRONTEND_HOST : node, { process: agent, link });
    post(agent, 0, () => startAgent(agent, link, isLocal ? null : node));
    const { left: coordinator } = link;
    return {
      address: host.name,
      channel: {
        ...coordinator,
        send(message) {
          taps.ordered(node, message);
          coordinator.send(message);
        },
      },
    };
  }
}

/** As `src/agent/main.ts` does. */
function startAgent(process: Process, link: ControlLink, address: string | null): void {
  const ended = runAgent({
    channel: link.right,
    clock: clockOf(process),
    home: HOME,
    defaultSpool: SPOOL,
    address,
    attach: process.host.attach,
    build: 'simulated',
    processId: process.startTime,
  });
  void ended.then(
    () => post(process, 0, () => endProcess(process, 'exit')),
    (error: unknown) => process.machine.onFault(process, error),
  );
}

function createHost(name: string, scenario: Scenario, nowMs: () => number): Host {
  const disk = createDisk({ capacityBytes: Infinity, nowMs });
  for (const path of ['/home', HOME, '/srv', '/tmp']) {
    disk.makeDirectory(path, 0o755);
    disk.sync(disk.resolve(path));
  }
  disk.sync(disk.resolve('/home'));
  disk.sync(disk.root);
  return {
    name,
    disk,
    isDown: false,
    processes: new Set(),
    clockAheadMs: 0,
    diskSlowness: 1,
    failingSyncs: 0,
    flippedReads: 0,
    flips: 0,
    hasSync: scenario.hasSync,
    attach: createAttachPoint(),
  };
}

/** A clock for code that runs in a process. */
export function clockOf(process: Process): Clock {
  return {
    nowMs: () => process.machine.timeline.nowMs(),
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const finish = (): void => {
          callOff();
          signal?.removeEventListener('abort', finish);
          resolve();
        };
        const callOff = post(process, durationMs, finish);
        signal?.addEventListener('abort', finish, { once: true });
      }),
  };
}

/** Runs an action in a process right now, from the outside. */
export function inProcess(process: Process, action: () => void): void {
  if (process.state === 'running') runIn(process, action);
}
