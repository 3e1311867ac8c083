import { hostsOf, namespacesOf } from './layout.ts';
import type { LabHost, LabState } from './layout.ts';
import { shapeCommand } from './shaping.ts';
import { allDone, forEachLimited, runTool } from './tools.ts';

/** The device of a host; the other end is a port of the bridge, named after the host. */
const HOST_DEVICE = 'eth0';

/** How many hosts are set up at a time. */
export const HOSTS_AT_ONCE = 8;

/** The route that the kernel makes for a host's address. */
const KERNEL_ROUTE = `10.77.0.0/16 dev ${HOST_DEVICE} proto kernel scope link`;

/** The kernel would else hand whole TCP bursts to the other end, past the shape and the MTU. */
const NO_OFFLOADS = 'tso off gso off gro off';

/**
 * Makes the namespaces, and a bridge that joins them. The bridge has a namespace of its own, and
 * pairs of devices are made between the namespaces: the machine's own network is never touched.
 */
export async function buildNetwork(state: LabState): Promise<void> {
  await runTool(
    ['ip', '-batch', '-'],
    lines(namespacesOf(state).map((name) => `netns add ${name}`)),
  );
  await runTool(['ip', '-n', state.network, '-batch', '-'], lines(bridgeCommands(state)));
  await allDone([
    runTool(['tc', '-n', state.network, '-batch', '-'], lines(portShapes(state))),
    runTool(
      ['ip', 'netns', 'exec', state.network, 'sh', '-e'],
      lines(hostsOf(state).map((host) => `ethtool -K ${host.name} ${NO_OFFLOADS}`)),
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

/** Switches a host's port of the bridge on or off: the host loses its carrier, not its address. */
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

function bridgeCommands(state: LabState): readonly string[] {
  return [
    'link add name bridge0 type bridge stp_state 0 forward_delay 0',
    'link set dev bridge0 addrgenmode none up',
    ...hostsOf(state).flatMap(({ name, namespace }) => [
      `link add ${name} mtu 1500 type veth peer ${HOST_DEVICE} mtu 1500 netns ${namespace}`,
      `link set dev ${name} master bridge0 addrgenmode none up`,
    ]),
  ];
}

function portShapes(state: LabState): readonly string[] {
  return hostsOf(state).map((host) => shapeCommand(host.name, rateOf(state, host)));
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

function rateOf(state: LabState, host: LabHost): string {
  return host.name === state.frontend.name ? state.frontendRate : state.rate;
}

function lines(commands: readonly string[]): string {
  return commands.map((command) => `${command}\n`).join('');
}
