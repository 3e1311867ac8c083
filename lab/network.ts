import { bridgeCommands, HOST_DEVICE, portsOf, rateOf } from './bridges.ts';
import { hostsOf, namespacesOf } from './layout.ts';
import type { LabHost, LabState } from './layout.ts';
import { uplinkDevices } from './racks.ts';
import type { LabRack } from './racks.ts';
import { shapeCommand } from './shaping.ts';
import { allDone, forEachLimited, runTool } from './tools.ts';

/** How many hosts are set up at a time. */
export const HOSTS_AT_ONCE = 8;

/** The route that the kernel makes for a host's address. */
const KERNEL_ROUTE = `10.77.0.0/16 dev ${HOST_DEVICE} proto kernel scope link`;

/** The kernel would else hand whole TCP bursts to the other end, past the shape and the MTU. */
const NO_OFFLOADS = 'tso off gso off gro off';

/**
 * Makes the namespaces, and the bridges that join them: one, and another for each rack. The bridges
 * have a namespace of their own, and pairs of devices are made between the namespaces: the
 * machine's own network is never touched.
 */
export async function buildNetwork(state: LabState): Promise<void> {
  await runTool(
    ['ip', '-batch', '-'],
    lines(namespacesOf(state).map((name) => `netns add ${name}`)),
  );
  await runTool(['ip', '-n', state.network, '-batch', '-'], lines(bridgeCommands(state)));
  await allDone([
    runTool(
      ['tc', '-n', state.network, '-batch', '-'],
      lines(portsOf(state).map(({ device, rate }) => shapeCommand(device, rate))),
    ),
    runTool(
      ['ip', 'netns', 'exec', state.network, 'sh', '-e'],
      lines(portsOf(state).map((port) => `ethtool -K ${port.device} ${NO_OFFLOADS}`)),
    ),
    forEachLimited(hostsOf(state), HOSTS_AT_ONCE, async (host) => {
      const script = hostScript(host, rateOf(state, host));
      await runTool(['ip', 'netns', 'exec', host.namespace, 'sh', '-e'], script);
    }),
  ]);
}

/** Shapes both ways of a host's link anew. */
export async function reshape(state: LabState, host: LabHost, rate: string): Promise<void> {
  await allDone([
    runTool(['tc', '-n', host.namespace, ...shapeCommand(HOST_DEVICE, rate).split(' ')]),
    runTool(['tc', '-n', state.network, ...shapeCommand(host.name, rate).split(' ')]),
  ]);
}

/** Switches a host's port of its bridge on or off: the host loses its carrier, not its address. */
export async function switchPort(
  state: LabState,
  host: LabHost,
  power: 'up' | 'down',
): Promise<void> {
  await runTool(['ip', '-n', state.network, 'link', 'set', 'dev', host.name, power]);
}

/** One of the kernel's counters of a host's device, frames in full. */
export async function readCounter(
  host: LabHost,
  counter: 'rx_bytes' | 'tx_bytes',
): Promise<number> {
  const path = `/sys/class/net/${HOST_DEVICE}/statistics/${counter}`;
  return Number(await runTool(['ip', 'netns', 'exec', host.namespace, 'cat', path]));
}

/** What a rack's uplink brought to the core and from it so far, frames in full. */
export async function readUplink(
  state: LabState,
  rack: LabRack,
): Promise<Readonly<Record<'upBytes' | 'downBytes', number>>> {
  const { up, down } = uplinkDevices(rack);
  // What one end sent is what it let through: a shaper's drops are not counted.
  const paths = [up, down].map((device) => `/sys/class/net/${device}/statistics/tx_bytes`);
  const found = await runTool(['ip', 'netns', 'exec', state.network, 'cat', ...paths]);
  const [upBytes = Number.NaN, downBytes = Number.NaN] = found.trim().split('\n').map(Number);
  return { upBytes, downBytes };
}

function hostScript(host: LabHost, rate: string): string {
  return lines([
    'ip link set dev lo up',
    `ip address add ${host.address}/16 dev ${HOST_DEVICE}`,
    `tc ${shapeCommand(HOST_DEVICE, rate)}`,
    `ethtool -K ${HOST_DEVICE} ${NO_OFFLOADS}`,
    `ip link set dev ${HOST_DEVICE} addrgenmode none up`,
    // Whatever congestion control the machine prefers: the lab measures the same everywhere.
    `ip route change ${KERNEL_ROUTE} src ${host.address} congctl cubic`,
  ]);
}

function lines(commands: readonly string[]): string {
  return commands.map((command) => `${command}\n`).join('');
}
