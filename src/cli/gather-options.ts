import { InvalidArgumentError, Option, type Command } from 'commander';
import { basename } from 'node:path';
import { KgetError } from '../base/error.ts';
import { parseRate, parseSize } from '../base/units.ts';
import { isChunkSize } from '../content/shape.ts';
import { DEFAULT_LEVEL, MAX_LEVEL } from '../content/zstd.ts';
import { DEFAULT_WINDOW } from '../control/launch-window.ts';
import type { Objective } from '../planner/types.ts';
import { collect } from './collect.ts';
import { addGatherVmsOptions, type GatherVmsOptions } from './gather-vms.ts';
import { MAX_HOPS } from './gather-run.ts';
import { addNodeTermsOptions, type NodeTermsOptions } from './node-terms.ts';
import { readObjective } from './objective.ts';
import { addTimeLimitOptions, type TimeLimitOptions } from './time-limits.ts';

/** Chunks of 128 KiB: two clusters of a qcow2 image (docs/formats.md). */
const DEFAULT_CHUNK = '128KiB';
const MAX_CHUNK_BYTES = 8 * 1024 * 1024;
const MAX_SENDERS = 1024;
const MAX_WINDOW = 10_000;
/** Each copy takes room and links of a node: with more, hardly a node is released early. */
const MAX_COPIES = 8;

/** What `gather` and `plan` have in common on their command lines, parsed. */
export interface RunOptions extends NodeTermsOptions {
  readonly nodes: readonly string[];
  readonly exclude?: readonly string[];
  readonly to: string;
  readonly ssh: string;
  readonly launcher: 'ssh' | 'local';
  readonly remoteNode?: string;
  readonly window: number;
  readonly spool?: string;
  readonly senders: number | 'auto';
  readonly objective: Objective;
  readonly maxHops: number;
  readonly copies: number;
  readonly bwlimit?: number;
  readonly chunkSize: number;
}

/** What `gather` was told on its command line, parsed. */
export interface GatherOptions extends RunOptions, TimeLimitOptions, GatherVmsOptions {
  readonly layout: 'files' | 'store';
  readonly compression: number;
  readonly onRelease?: string;
  readonly report?: string;
  readonly dryRun: boolean;
  readonly fresh: boolean;
  readonly json: boolean;
}

/** Declares the options of `gather`. */
export function addGatherOptions(command: Command): Command {
  addRunOptions(command)
    .addOption(
      new Option('--layout <kind>', 'DIR/NODE/FILE, or snapshots of a store (kgetplus ls)')
        .choices(['files', 'store'])
        .default('files'),
    )
    .option(
      '--compression <level>',
      `zstd level of chunks in a store, 1 to ${MAX_LEVEL}`,
      countUpTo(MAX_LEVEL, 1),
      DEFAULT_LEVEL,
    )
    .option('--on-release <cmd>', 'run on this host for each released node ({node} is replaced)')
    .option('--fresh', 'do not continue an interrupted run into the same directory', false)
    .option('--dry-run', 'show what would be gathered and move nothing', false)
    .option('--report <file>', 'write the HTML report there [DIR/.kgetplus/report.html]')
    .option('--json', 'print the report as JSON on standard output', false);
  return addGatherVmsOptions(addTimeLimitOptions(command));
}

/** Declares the options that `gather` and `plan` have in common. */
export function addRunOptions(command: Command): Command {
  command
    .requiredOption('-w, --nodes <nodes>', 'node set, e.g. node[01-64,70], @group, @FILE', collect)
    .option('-x, --exclude <nodes>', 'nodes to leave out', collect)
    .requiredOption('--to <dir>', 'directory on this host that collects the images')
    .addOption(
      new Option('--objective <goal>', 'mean, or target:80% of the nodes soonest')
        .argParser(readObjective)
        .default({ kind: 'mean' } satisfies Objective, 'mean'),
    )
    .option('--senders <n>', 'nodes that send to this host at once, or auto', senders, 1)
    .option('--max-hops <n>', 'relays that an image may make', countUpTo(MAX_HOPS, 0), MAX_HOPS)
    .option(
      '--copies <n>',
      'nodes that have each image of another one before it is released',
      countUpTo(MAX_COPIES, 1),
      1,
    );
  addNodeTermsOptions(command);
  return command
    .option('--bwlimit <rate>', 'limit of what this host receives, e.g. 800Mbit or 100MiB', rate)
    .option('--spool <dir>', "where nodes keep others' images [~/.cache/kgetplus/spool]")
    .addOption(
      new Option('--chunk-size <size>', 'chunk size, a power of two')
        .argParser(chunkSize)
        .default(parseSize(DEFAULT_CHUNK), DEFAULT_CHUNK),
    )
    .option('--ssh <command>', 'remote shell', 'ssh')
    .option('--remote-node <path>', 'Node.js (20 or newer) on the nodes')
    .option(
      '--window <n>',
      'agents that start at once at most',
      countUpTo(MAX_WINDOW, 1),
      DEFAULT_WINDOW,
    )
    .addOption(
      new Option('--launcher <kind>', 'how agents start').choices(['ssh', 'local']).default('ssh'),
    );
}

/** @throws KgetError `usage` for paths that would become the same file on the frontend */
export function checkPatterns(patterns: readonly string[]): void {
  if (patterns.length === 0) {
    throw new KgetError('usage', 'Cannot gather: name at least one path, or --vms');
  }
  const literal = patterns.filter((pattern) => !/[*?[{]/.test(pattern));
  const byName = Map.groupBy([...new Set(literal)], (path) => basename(path));
  for (const [name, paths] of byName) {
    if (paths.length < 2) continue;
    throw new KgetError(
      'usage',
      `Cannot gather ${paths.join(' and ')} in one run: both would become NODE/${name}; ` +
        'gather them in two runs into different directories',
    );
  }
}

function senders(text: string): number | 'auto' {
  return text === 'auto' ? 'auto' : countUpTo(MAX_SENDERS, 1)(text);
}

function countUpTo(maximum: number, minimum: number): (text: string) => number {
  return (text) => {
    const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (count >= minimum && count <= maximum) return count;
    throw new InvalidArgumentError(`Wanted a whole number from ${minimum} to ${maximum}.`);
  };
}

function rate(text: string): number {
  return asArgument(() => parseRate(text));
}

function chunkSize(text: string): number {
  const bytes = asArgument(() => parseSize(text));
  if (isChunkSize(bytes) && bytes <= MAX_CHUNK_BYTES) return bytes;
  throw new InvalidArgumentError('Wanted a power of two from 4KiB to 8MiB.');
}

function asArgument<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
