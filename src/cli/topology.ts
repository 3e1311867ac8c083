import { KgetError } from '../base/error.ts';
import { parseRate } from '../base/units.ts';
import { parseNodeSet, type NodeSetOptions } from '../nodeset/node-set.ts';

/** Which rack nodes are in, and what carries more than one node's traffic. */
export interface Topology {
  readonly racks: readonly Rack[];
  /** The rack's name, by node. */
  readonly rackOf: ReadonlyMap<string, string>;
}

interface Rack {
  readonly name: string;
  /** Bytes per second each way; without, no limit is known. */
  readonly uplinkBytesPerSecond?: number;
}

interface TopologyFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads a topology file: a rack a line as `NAME: NODESET [uplink RATE]`, with node sets as for `-w`,
 * and rates such as `10Gbit`, each way; from `#` to the end of a line is a comment.
 * @throws KgetError `usage`, naming file and line
 */
export function parseTopology(file: TopologyFile, options: NodeSetOptions): Topology {
  const racks = new Map<string, Rack>();
  const rackOf = new Map<string, string>();
  for (const [index, line] of file.text.split('\n').entries()) {
    const entry = line.replace(/#.*/, '').trim();
    if (entry === '') continue;
    const place = `${file.path}, line ${index + 1}`;
    const { rack, nodes } = parseLine({ entry, place }, options);
    const { name } = rack;
    if (racks.has(name)) throw wrong(place, `found rack "${name}" again, wanted each rack once`);
    racks.set(name, rack);
    for (const node of nodes) {
      const other = rackOf.get(node);
      if (other !== undefined) {
        const found = `found ${node} in rack "${name}" and in rack "${other}"`;
        throw wrong(place, `${found}, wanted each node in one rack`);
      }
      rackOf.set(node, name);
    }
  }
  return { racks: [...racks.values()], rackOf };
}

function parseLine(
  { entry, place }: { readonly entry: string; readonly place: string },
  options: NodeSetOptions,
): { readonly rack: Rack; readonly nodes: readonly string[] } {
  const [, name = '', rest = ''] = /^([^\s:]+)\s*:\s*(.*)$/.exec(entry) ?? [];
  const uplink = /(?:^|\s)uplink(?=\s|$)(.*)/.exec(rest);
  const set = rest.slice(0, uplink?.index).trim();
  if (name === '' || set === '') {
    throw wrong(place, `found "${entry}", wanted NAME: NODESET [uplink RATE]`);
  }
  try {
    const nodes = parseNodeSet(set, options);
    if (uplink === null) return { rack: { name }, nodes };
    return { rack: { name, uplinkBytesPerSecond: parseRate(uplink[1]?.trim() ?? '') }, nodes };
  } catch (error) {
    throw wrong(place, error instanceof Error ? error.message : String(error), error);
  }
}

function wrong(place: string, what: string, cause?: unknown): KgetError {
  return new KgetError('usage', `Cannot use the topology of ${place}: ${what}`, { cause });
}
