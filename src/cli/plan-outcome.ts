import type { RunFacts } from '../coordinator/facts.ts';
import { FRONTEND } from '../planner/types.ts';
import { FRONTEND_NAME } from '../report/names.ts';
import type {
  PlannedImage,
  PlannedNode,
  PlannedTransfer,
  PlanReport,
} from '../report/plan-record.ts';
import { familiesOf, type KnownCluster, type KnownNode } from '../simulator/forecast.ts';
import type { Outcome } from '../simulator/scenario.ts';
import { nodeLink } from './plan-links.ts';
import type { PlanOptions } from './plan-options.ts';

type FoundParts = Pick<PlanReport, 'nodes' | 'missingNodes' | 'images' | 'transfers' | 'failures'>;

/** What was found on which nodes, and what would become of it. */
export function foundParts(
  facts: RunFacts,
  parts: {
    readonly cluster: KnownCluster;
    readonly outcome: Outcome;
    readonly options: PlanOptions;
  },
): FoundParts {
  const { cluster, outcome, options } = parts;
  const known = new Set(cluster.nodes.map(({ id }) => id));
  const released = new Map(outcome.released.map(({ node, seconds }) => [node, seconds]));
  const nodes = cluster.nodes.map((node): PlannedNode => {
    const told = facts.nodes.get(node.id)?.linkBytesPerSecond ?? null;
    return {
      ...plannedNode(node),
      releasedSeconds: released.get(node.id) ?? null,
      link: nodeLink({ linkBytesPerSecond: told }, options),
    };
  });
  return {
    nodes,
    missingNodes: [...facts.nodes.keys()].filter((name) => !known.has(name)),
    images: plannedImages(facts, cluster),
    transfers: outcome.transfers.map(plannedTransfer).toSorted(byStart),
    failures: facts.failures,
  };
}

function plannedNode(node: KnownNode): Omit<PlannedNode, 'releasedSeconds' | 'link'> {
  const { id, readySeconds, roomBytes, images } = node;
  return {
    node: id,
    readySeconds,
    roomBytes,
    images: images.length,
    sizeBytes: images.reduce((sum, image) => sum + image.sizeBytes, 0),
    dataBytes: images.reduce((sum, image) => sum + image.dataBytes, 0),
  };
}

function plannedImages(facts: RunFacts, cluster: KnownCluster): PlannedImage[] {
  const images = cluster.nodes.flatMap((node) => node.images);
  const families = familiesOf(images);
  return images.flatMap(({ id, sizeBytes, dataBytes }) => {
    const image = facts.images.get(id);
    if (image === undefined) return [];
    const family = families.get(id);
    return [
      {
        node: image.node,
        path: image.path,
        sizeBytes,
        dataBytes,
        family: family?.id ?? null,
        sharedBytes: family?.sharedBytes ?? 0,
      },
    ];
  });
}

function plannedTransfer(transfer: Outcome['transfers'][number]): PlannedTransfer {
  const { image, from, to, bytes, startSeconds, endSeconds } = transfer;
  return {
    image,
    from,
    to: to === FRONTEND ? FRONTEND_NAME : to,
    bytes,
    startSeconds,
    endSeconds,
  };
}

function byStart(left: PlannedTransfer, right: PlannedTransfer): number {
  return left.startSeconds - right.startSeconds;
}
