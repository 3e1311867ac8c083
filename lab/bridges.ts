import { hostsOf } from './layout.ts';
import type { LabHost, LabState } from './layout.ts';
import { uplinkDevices } from './racks.ts';

/** The device of a host; the other end is a port of a bridge, named after the host. */
export const HOST_DEVICE = 'eth0';

/** The bridge that the frontend is on, and all nodes that are in no rack. */
const CORE_BRIDGE = 'bridge0';

/** A device in the namespace of the bridges, and the rate of what it sends. */
interface Port {
  readonly device: string;
  readonly bridge: string;
  readonly rate: string;
}

/** The ports of all bridges: those of the hosts, and both ends of the uplinks. */
export function portsOf(state: LabState): readonly Port[] {
  const rackOf = new Map(state.racks.flatMap(({ name, nodes }) => nodes.map((it) => [it, name])));
  return [
    ...hostsOf(state).map((host) => ({
      device: host.name,
      bridge: rackOf.get(host.name) ?? CORE_BRIDGE,
      rate: rateOf(state, host),
    })),
    ...state.racks.flatMap((rack) => [
      { device: uplinkDevices(rack).up, bridge: rack.name, rate: rack.uplinkRate },
      { device: uplinkDevices(rack).down, bridge: CORE_BRIDGE, rate: rack.uplinkRate },
    ]),
  ];
}

/** The `ip -batch` lines that make the bridges and the pairs of devices, and join these. */
export function bridgeCommands(state: LabState): readonly string[] {
  const bridges = [CORE_BRIDGE, ...state.racks.map((rack) => rack.name)];
  return [
    ...bridges.flatMap((bridge) => [
      `link add name ${bridge} type bridge stp_state 0 forward_delay 0`,
      `link set dev ${bridge} addrgenmode none up`,
    ]),
    ...hostsOf(state).map(
      ({ name, namespace }) =>
        `link add ${name} mtu 1500 type veth peer ${HOST_DEVICE} mtu 1500 netns ${namespace}`,
    ),
    ...state.racks
      .map(uplinkDevices)
      .map(({ up, down }) => `link add ${up} mtu 1500 type veth peer ${down} mtu 1500`),
    ...portsOf(state).map(
      ({ device, bridge }) => `link set dev ${device} master ${bridge} addrgenmode none up`,
    ),
  ];
}

/** What a host's link is shaped to when the lab comes up. */
export function rateOf(state: LabState, host: LabHost): string {
  return host.name === state.frontend.name ? state.frontendRate : state.rate;
}
