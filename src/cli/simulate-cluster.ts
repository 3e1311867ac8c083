import { KgetError } from '../base/error.ts';
import type { Cluster, Racks } from '../simulator/cluster.ts';
import { DEFAULT_NODES, MAX_NODES, type SimulateOptions } from './simulate-options.ts';

/** The cluster that the options describe. @throws KgetError `usage` for options that do not fit */
export function toCluster(options: SimulateOptions): Cluster {
  return {
    nodes: nodeCount(options),
    medianBytes: options.size,
    sigma: options.sizes ?? 0,
    seed: options.seed,
    linkBytesPerSecond: options.link,
    frontendLinkBytesPerSecond: options.frontendLink ?? options.link,
    frontends: options.frontends,
    racks: toRacks(options),
    diskReadBytesPerSecond: options.diskRead ?? null,
    diskWriteBytesPerSecond: options.diskWrite ?? null,
    zeroShare: options.zero,
    duplicateShare: options.duplicate,
    families: familyCount(options),
    room: options.room ?? null,
    startSeconds: options.start,
  };
}

/** As many as named, or as there are places in the racks. */
function nodeCount({ nodes, racks: given }: SimulateOptions): number {
  if (given === undefined) return nodes ?? DEFAULT_NODES;
  const places = given.count * given.nodesEach;
  const text = `${given.count}x${given.nodesEach}`;
  if (nodes !== undefined && nodes > places) {
    throw wrong(
      '--racks',
      text,
      `${places} places, wanted one for each of ${nodes} nodes (--nodes)`,
    );
  }
  if (nodes === undefined && places > MAX_NODES) {
    throw wrong('--racks', text, `${places} nodes, wanted at most ${MAX_NODES}; say --nodes`);
  }
  return nodes ?? places;
}

function familyCount({ families, duplicate }: SimulateOptions): number {
  if (families === undefined || duplicate > 0) return families ?? 1;
  throw wrong('--families', String(families), 'nothing in common, wanted --duplicate as well');
}

function toRacks({ racks: given, oversubscription }: SimulateOptions): Racks | null {
  if (given !== undefined) return { ...given, oversubscription: oversubscription ?? 1 };
  if (oversubscription === undefined) return null;
  throw wrong('--oversubscription', String(oversubscription), 'no racks, wanted --racks as well');
}

function wrong(option: string, text: string, fault: string): KgetError {
  return new KgetError('usage', `Cannot use ${option} ${text}: found ${fault}`);
}
