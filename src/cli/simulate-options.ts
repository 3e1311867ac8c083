import { Option, type Command } from 'commander';
import { parseRate, parseSize } from '../base/units.ts';
import type { Objective } from '../planner/types.ts';
import { readObjective } from './objective.ts';
import type { Racks, Room } from '../simulator/cluster.ts';
import {
  readCount,
  readDecimal,
  readRacks,
  readRate,
  readRoom,
  readShare,
  readSigma,
  readSize,
} from './simulate-values.ts';

export const DEFAULT_NODES = 64;
const DEFAULT_SIZE = '512MiB';
const DEFAULT_LINK = '1Gbit';

/** As in a node set. */
export const MAX_NODES = 100_000;
const MAX_FRONTENDS = 64;
const MAX_SENDERS = 1024;
/** As for a real run. */
const MAX_COPIES = 8;
/** As for a real run. */
const MAX_HOPS = 64;
const MAX_START_SECONDS = 86_400;
const MAX_OVERSUBSCRIPTION = 1000;
const MAX_SEED = 2 ** 32 - 1;

/** What `simulate` was told on its command line, parsed. */
export interface SimulateOptions {
  readonly nodes?: number;
  readonly size: number;
  readonly link: number;
  readonly sizes?: number;
  readonly seed: number;
  readonly frontendLink?: number;
  readonly frontends: number;
  readonly racks?: Pick<Racks, 'count' | 'nodesEach'>;
  readonly oversubscription?: number;
  readonly diskRead?: number;
  readonly diskWrite?: number;
  readonly duplicate: number;
  readonly families?: number;
  readonly zero: number;
  readonly room?: Room;
  readonly start: number;
  readonly objective?: Objective;
  readonly senders?: number;
  readonly maxHops: number;
  readonly copies: number;
  readonly strategy: string;
  readonly json: boolean;
  readonly report?: string;
}

/** Declares the options of `simulate`; each parser throws KgetError `usage`. */
export function addSimulateOptions(command: Command): Command {
  return command
    .option(
      '--nodes <n>',
      `how many [${DEFAULT_NODES}, or all places in racks]`,
      readCount('--nodes', { from: 1, to: MAX_NODES }),
    )
    .addOption(
      new Option('--size <size>', "size of each node's one image")
        .argParser(readSize)
        .default(parseSize(DEFAULT_SIZE), DEFAULT_SIZE),
    )
    .option('--sizes <law>', 'lognormal:SIGMA for unequal sizes, --size their median', readSigma)
    .option('--seed <n>', 'of unequal sizes', readCount('--seed', { from: 0, to: MAX_SEED }), 1)
    .addOption(
      new Option('--link <rate>', "a node's link, each way")
        .argParser(readRate('--link'))
        .default(parseRate(DEFAULT_LINK), DEFAULT_LINK),
    )
    .option(
      '--frontend-link <rate>',
      "the frontend's link [as --link]",
      readRate('--frontend-link'),
    )
    .option(
      '--frontends <k>',
      'frontends with one store, each with such a link and a disk',
      readCount('--frontends', { from: 1, to: MAX_FRONTENDS }),
      1,
    )
    .option(
      '--racks <RxN>',
      'R racks with places for N nodes each; the frontend is outside',
      readRacks,
    )
    .option(
      '--oversubscription <k>',
      "a rack's uplink carries N links divided by K [1]",
      readDecimal('--oversubscription', { from: 1, to: MAX_OVERSUBSCRIPTION }),
    )
    .option('--disk-read <rate>', "what a node's disk reads [no limit]", readRate('--disk-read'))
    .option(
      '--disk-write <rate>',
      "what a disk writes, the frontend's too [no limit]",
      readRate('--disk-write'),
    )
    .option('--zero <share>', 'share of an image that is zero', readShare('--zero'), 0)
    .option(
      '--duplicate <share>',
      'share of the rest that a family has in common',
      readShare('--duplicate'),
      0,
    )
    .option(
      '--families <f>',
      'of images, the nodes in turn [1: all images]',
      readCount('--families', { from: 1, to: MAX_NODES }),
    )
    .option('--room <room>', "on a node for others' images: 4GiB, 3images [no limit]", readRoom)
    .option(
      '--start <seconds>',
      'agents come up evenly over so long',
      readDecimal('--start', { from: 0, to: MAX_START_SECONDS }),
      0,
    )
    .option(
      '--objective <goal>',
      'mean or target:N% [a row for mean, one for target:80%]',
      readObjective,
    )
    .option(
      '--senders <n>',
      'nodes that send at once [one for each frontend]',
      readCount('--senders', { from: 1, to: MAX_SENDERS }),
    )
    .option(
      '--max-hops <n>',
      'relays that an image may make',
      readCount('--max-hops', { from: 0, to: MAX_HOPS }),
      MAX_HOPS,
    )
    .option(
      '--copies <n>',
      'other nodes that must have an image before its node is released',
      readCount('--copies', { from: 1, to: MAX_COPIES }),
      1,
    )
    .option('--strategy <name>', 'one of those below, or all', 'all')
    .option('--report <file>', 'write an HTML page with the release curves there')
    .option('--json', 'print the record as JSON', false);
}
