import { assert } from '../base/assert.ts';
import { FRONTEND } from '../planner/types.ts';
import { createResource, type Resource } from './flow.ts';
import type { Rack, Scenario, SimulatedNode } from './scenario.ts';

/** Links and disks of a scenario, each direction of a link a resource of its own. */
export interface Network {
  /**
   * All that a pull uses and that limits it: it reads at the source, crosses links and writes at the
   * target. Frontends are counted from 0.
   */
  route(from: string, to: string, frontend?: number): readonly Resource[];
}

/** Where a node or the frontend sends and receives. */
interface Ports {
  /** That of its rack, one for all of them; undefined at the core of the network. */
  readonly uplink: Uplink | undefined;
  readonly outward: readonly Resource[];
  readonly inward: readonly Resource[];
}

interface Uplink {
  readonly up: Resource;
  readonly down: Resource;
}

/** The network of a scenario; the frontend and nodes without a rack are at its core. */
export function createNetwork(scenario: Scenario): Network {
  const uplinks = new Map<Rack, Uplink>();
  const ports = new Map<string, Ports>();
  for (const node of scenario.nodes) {
    const uplink = node.rack === undefined ? undefined : uplinkOf(uplinks, node.rack);
    ports.set(node.id, nodePorts(node, uplink));
  }
  const { frontends: count = 1 } = scenario;
  const frontends = Array.from({ length: count }, () => frontendPorts(scenario));

  return {
    route(from, to, frontend = 0): readonly Resource[] {
      const source = ports.get(from);
      const target = to === FRONTEND ? frontends[frontend] : ports.get(to);
      assert(source !== undefined && target !== undefined, `${from} and ${to} are in the scenario`);
      const route = [...source.outward];
      if (source.uplink !== target.uplink) {
        if (source.uplink !== undefined) route.push(source.uplink.up);
        if (target.uplink !== undefined) route.push(target.uplink.down);
      }
      return [...route, ...target.inward];
    },
  };
}

/** None for a rate that limits nobody. */
function resources(...rates: readonly number[]): Resource[] {
  return rates.filter((rate) => rate < Infinity).map(createResource);
}

function uplinkOf(uplinks: Map<Rack, Uplink>, rack: Rack): Uplink {
  const known = uplinks.get(rack);
  if (known !== undefined) return known;
  const { upBytesPerSecond, downBytesPerSecond } = rack;
  const uplink = { up: createResource(upBytesPerSecond), down: createResource(downBytesPerSecond) };
  uplinks.set(rack, uplink);
  return uplink;
}

function nodePorts(node: SimulatedNode, uplink: Uplink | undefined): Ports {
  const { upBytesPerSecond, downBytesPerSecond } = node;
  const { diskReadBytesPerSecond = Infinity, diskWriteBytesPerSecond = Infinity } = node;
  return {
    uplink,
    outward: resources(diskReadBytesPerSecond, upBytesPerSecond),
    inward: resources(downBytesPerSecond, diskWriteBytesPerSecond),
  };
}

function frontendPorts(scenario: Scenario): Ports {
  const { frontendBytesPerSecond, frontendDiskWriteBytesPerSecond = Infinity } = scenario;
  const inward = resources(frontendBytesPerSecond, frontendDiskWriteBytesPerSecond);
  return { uplink: undefined, outward: [], inward };
}
