import { Option, type Command } from 'commander';
import { readFileSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import type { GatherPlan, NodeTerms } from '../coordinator/ports.ts';
import { parseNodeSet, type NodeSetOptions } from '../nodeset/node-set.ts';
import { collect } from './collect.ts';
import { parseTopology, type Topology } from './topology.ts';

/** What `gather` and `plan` were told of single nodes on their command lines, not yet read. */
export interface NodeTermsOptions {
  /** Node sets, in the order in which they are to be released. */
  readonly first?: readonly string[];
  /** Node sets of `--no-receive`: of the name of a negated option commander leaves out the `no`. */
  readonly receive: readonly string[];
  /** A path. */
  readonly topology?: string;
}

/** Declares the options that say something of single nodes. */
export function addNodeTermsOptions(command: Command): Command {
  return command
    .option('--first <nodes>', 'release these first; again: those next', collect)
    .addOption(
      new Option('--no-receive <nodes>', "nodes that keep no others' images")
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--topology <file>', 'racks, one a line: NAME: NODES [uplink RATE]');
}

/**
 * What the options say of `nodes`. Of a node that two `--first` name, the former counts; sets and
 * racks may go beyond `nodes`.
 * @throws KgetError `usage` for what cannot be read, and for what is about none of `nodes`
 */
export function readNodeTerms(
  options: NodeTermsOptions,
  { nodes, files }: { readonly nodes: readonly string[]; readonly files: NodeSetOptions },
): Pick<GatherPlan, 'nodeTerms' | 'rackUplinks'> {
  const deadlines = new Map<string, number>();
  for (const [deadline, set] of (options.first ?? []).entries()) {
    for (const node of chosen('--first', set)) {
      if (!deadlines.has(node)) deadlines.set(node, deadline);
    }
  }
  const keepNone = new Set(options.receive.flatMap((set) => chosen('--no-receive', set)));
  const topology = options.topology === undefined ? NO_RACKS : readTopology(options.topology);
  const terms = nodes.map((node): [string, NodeTerms] => {
    const rack = topology.rackOf.get(node);
    const deadline = deadlines.get(node);
    return [
      node,
      {
        ...(rack !== undefined && { rack }),
        ...(deadline !== undefined && { deadline }),
        ...(keepNone.has(node) && { keepsNone: true }),
      },
    ];
  });
  const uplinks = topology.racks.flatMap(({ name, uplinkBytesPerSecond: rate }) =>
    rate === undefined ? [] : [[name, rate] as const],
  );
  return { nodeTerms: new Map(terms), rackUplinks: new Map(uplinks) };

  function chosen(option: string, set: string): string[] {
    return confirmSome(parseNodeSet(set, files), `${option} ${set}`);
  }
  function readTopology(path: string): Topology {
    const read = parseTopology({ path, text: textOf(path) }, files);
    confirmSome([...read.rackOf.keys()], `--topology ${path}`);
    return read;
  }
  /** To name none of the run's nodes is a slip: of the short and the long names of hosts, say. */
  function confirmSome(named: string[], option: string): string[] {
    if (named.some((node) => nodes.includes(node))) return named;
    const found = `it names none of the nodes that are gathered from`;
    throw new KgetError('usage', `Cannot use ${option}: ${found}, wanted names as in -w`);
  }
}

const NO_RACKS: Topology = { racks: [], rackOf: new Map() };

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError('usage', `Cannot read --topology ${path}: ${found}`, { cause: error });
  }
}
