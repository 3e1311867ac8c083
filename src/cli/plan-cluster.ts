import { PATIENCE_MS } from '../coordinator/assembly.ts';
import type { ImageFacts, NodeFacts, RunFacts } from '../coordinator/facts.ts';
import type { GatherPlan } from '../coordinator/ports.ts';
import type { KnownCluster, KnownImage, KnownNode } from '../simulator/forecast.ts';
import type { Rack } from '../simulator/scenario.ts';
import { frontendLink, nodeLink, type LinkOptions } from './plan-links.ts';

type Terms = Pick<GatherPlan, 'nodeTerms' | 'rackUplinks'>;

/**
 * The cluster that a forecast is for: the nodes that answered, with their images that were scanned.
 * Those without any are left out. Racks whose uplink nobody knows limit nobody.
 */
export function toKnownCluster(
  facts: RunFacts,
  { options, terms }: { readonly options: LinkOptions; readonly terms: Terms },
): KnownCluster {
  const imagesByNode = Map.groupBy(facts.images.values(), (image) => image.node);
  const racks = new Map<string, Rack>();
  for (const [rack, rate] of terms.rackUplinks) {
    racks.set(rack, { upBytesPerSecond: rate, downBytesPerSecond: rate });
  }
  const nodes = [...facts.nodes.values()].flatMap((node): KnownNode[] => {
    const all = imagesByNode.get(node.name) ?? [];
    const images = all.flatMap(toKnownImage);
    if (node.state === 'failed' || images.length === 0) return [];
    const { rack, deadline } = terms.nodeTerms.get(node.name) ?? {};
    const uplink = rack === undefined ? undefined : racks.get(rack);
    const known: KnownNode = {
      ...knownNode(node, options),
      stays: node.keepsMore || images.length < all.length,
      images,
    };
    return [
      {
        ...known,
        ...(uplink !== undefined && { rack: uplink }),
        ...(deadline !== undefined && { deadline }),
      },
    ];
  });
  const firstSeconds = nodes.reduce((least, one) => Math.min(least, one.readySeconds), Infinity);
  return {
    nodes,
    frontendBytesPerSecond: frontendLink(facts, options).bytesPerSecond,
    patienceSeconds: firstSeconds + PATIENCE_MS / 1000,
  };
}

function knownNode(
  node: NodeFacts,
  options: LinkOptions,
): Pick<KnownNode, 'id' | 'readySeconds' | 'linkBytesPerSecond' | 'roomBytes'> {
  return {
    id: node.name,
    readySeconds: node.readySeconds ?? 0,
    linkBytesPerSecond: nodeLink(node, options).bytesPerSecond,
    roomBytes: node.roomBytes ?? 0,
  };
}

/** Nothing if its scan failed. */
function toKnownImage({ id, sizeBytes, dataBytes, sketch }: ImageFacts): KnownImage[] {
  return dataBytes === null || sketch === null ? [] : [{ id, sizeBytes, dataBytes, sketch }];
}
