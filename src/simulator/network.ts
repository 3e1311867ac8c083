import { assert } from '../base/assert.ts';
import { FRONTEND } from '../planner/types.ts';
import { createResource, type Resource } from './flow.ts';
import type { Rack, Scenario, SimulatedNode } from './scenario.ts';

/** Links and disks of a scenario, each direction of a link a resource of its own. */
export interface Network {
  /** All that a pull uses: it reads at the source, crosses links and writes at the target. */
  route(from: string, to: string): readonly Resource[];
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
  const ports = new Map<string, Ports>([[FRONTEND, frontendPorts(scenario)]]);
  for (const node of scenario.nodes) {
    const uplink = node.rack === undefined ? undefined : uplinkOf(uplinks, node.rack);
    ports.set(node.id, nodePorts(node, uplink));
  }

  return {
    route(from, to): readonly Resource[] {
      const source = ports.get(from);
      const target = ports.get(to);
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
    outward: [diskReadBytesPerSecond, upBytesPerSecond].map(createResource),
    inward: [downBytesPerSecond, diskWriteBytesPerSecond].map(createResource),
  };
}

function frontendPorts(scenario: Scenario): Ports {
  const { frontendBytesPerSecond, frontendDiskWriteBytesPerSecond = Infinity } = scenario;
  const rates = [frontendBytesPerSecond, frontendDiskWriteBytesPerSecond];
  return { uplink: undefined, outward: [], inward: rates.map(createResource) };
}
