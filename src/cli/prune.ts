import { InvalidArgumentError, Option, type Command } from 'commander';
import { before, type Duration, parseDuration } from '../base/duration.ts';
import { KgetError } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import { type KeepCount, parseKeepCount } from '../catalogue/retention.ts';
import { visible } from '../report/names.ts';
import type { ChunkTotals, PruneReport, WaitingBatch } from '../upkeep/prune-report.ts';
import { prune } from '../upkeep/prune.ts';
import { collect } from './collect.ts';
import { chooseNodes, nodeSetFiles } from './nodes.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const DEFAULT_GRACE = '24h';

const ABOUT = `
Snapshots of each image of each node are judged together, and one stays if any --keep option keeps
it. Without a --keep option nothing is forgotten. Snapshots with tags stay (see kgetplus tag), and
so do those of runs that have not ended. Hours to years are those of UTC. N may be "all".

Chunks that no snapshot needs are set aside first; a later prune removes them, when --grace has
passed and no process that may read them is left. Run it from time to time, such as every night.
Gathers, restores and servers may go on meanwhile.

Examples:
  kgetplus prune --store /srv/snapshots --keep-last 3 --keep-daily 7 --keep-monthly 12
  kgetplus prune --keep-within 30d --dry-run
  kgetplus prune`;

interface PruneCommandOptions extends StoreOption {
  readonly keepLast?: KeepCount;
  readonly keepHourly?: KeepCount;
  readonly keepDaily?: KeepCount;
  readonly keepWeekly?: KeepCount;
  readonly keepMonthly?: KeepCount;
  readonly keepYearly?: KeepCount;
  readonly keepWithin?: Duration;
  readonly nodes?: readonly string[];
  readonly grace: Duration | 0;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Declares `prune`. */
export function addPrune(program: Command, system: System): void {
  const command = program
    .command('prune')
    .summary('forget old snapshots and free their room')
    .description('Forgets snapshots of a store by rules, and removes chunks that none needs.');
  addStoreOption(command);
  for (const period of ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly']) {
    const what = period === 'last' ? 'keep the last N' : `keep the last of each of N, ${period}`;
    command.option(`--keep-${period} <n>`, what, argument(parseKeepCount));
  }
  command
    .option('--keep-within <duration>', 'keep what is newer, e.g. 7d', argument(parseDuration))
    .option('-w, --nodes <nodes>', 'only those of these nodes, e.g. node[01-64]', collect)
    .addOption(
      new Option('--grace <duration>', 'how long chunks stay set aside')
        .argParser(argument(parseGrace))
        .default(parseGrace(DEFAULT_GRACE), DEFAULT_GRACE),
    )
    .option('-n, --dry-run', 'only tell what would be done', false)
    .option('--json', 'print what was done as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (options: PruneCommandOptions) => {
      const report = await runPrune(options, system);
      if (options.json) system.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
      else system.stdout.write(renderPrune(report));
    });
}

function runPrune(options: PruneCommandOptions, system: System): Promise<PruneReport> {
  const { stderr, clock, entropy, interrupt } = system;
  const sets = options.nodes;
  const now = new Date();
  return prune({
    place: storeAt(options, system),
    policy: {
      last: options.keepLast,
      hourly: options.keepHourly,
      daily: options.keepDaily,
      weekly: options.keepWeekly,
      monthly: options.keepMonthly,
      yearly: options.keepYearly,
      within: options.keepWithin,
    },
    nodes: sets === undefined ? undefined : chooseNodes(sets, [], nodeSetFiles(system)).nodes,
    graceMs: options.grace === 0 ? 0 : now.getTime() - before(now, options.grace).getTime(),
    isDry: options.dryRun,
    suffix: entropy.hex(3),
    nowMs: () => Date.now(),
    clock,
    signal: interrupt,
    onPhase: (phase) => {
      if (stderr.isTTY) stderr.write(`\r\u001B[K${phase} …`);
    },
  }).finally(() => {
    if (stderr.isTTY) stderr.write('\r\u001B[K');
  });
}

/** What was done, for people. */
function renderPrune(report: PruneReport): string {
  const lines = report.warnings.map((warning) => `note: ${visible(warning)}`);
  const would = report.isDry ? 'would be ' : '';
  for (const { id, isForgotten, reasons } of report.snapshots) {
    const why = isForgotten ? '' : ` (${reasons.join(', ')})`;
    lines.push(visible(`${isForgotten ? 'forget' : 'keep  '}  ${id}${why}`));
  }
  const forgotten = report.snapshots.filter(({ isForgotten }) => isForgotten).length;
  const policy = report.hasPolicy ? '' : ': no --keep option was given';
  lines.push(`Snapshots ${would}forgotten: ${forgotten}${policy}`);
  lines.push(`Chunks in use: ${totals(report.kept)}`);
  lines.push(`Chunks ${would}set aside: ${totals(report.setAside)}`);
  if (report.spared.chunks > 0) {
    const why = 'they may belong to a gather or import that goes on';
    lines.push(`Chunks not set aside yet: ${totals(report.spared)}: ${why}`);
  }
  if (report.broughtBack.chunks > 0) {
    lines.push(`Chunks ${would}brought back: ${totals(report.broughtBack)}`);
  }
  lines.push(`Chunks ${would}removed: ${totals(report.swept)}`);
  for (const batch of report.waiting) lines.push(visible(waitingText(batch)));
  return `${lines.join('\n')}\n`;
}

function waitingText(batch: WaitingBatch): string {
  const { until, leases } = batch;
  const time = until === null ? 'until they have been set aside completely' : `until ${until}`;
  const users = leases.map(({ kind, host, pid }) => `${kind}, process ${pid} on ${host}`);
  const ends = users.length === 0 ? '' : `, and for the end of ${users.join('; ')}`;
  return `Chunks set aside before: ${totals(batch)}, kept ${time}${ends}`;
}

function totals({ chunks, bytes }: ChunkTotals): string {
  return `${chunks} (${formatSize(bytes)})`;
}

function parseGrace(text: string): Duration | 0 {
  return /^0+h?$/.test(text.trim()) ? 0 : parseDuration(text);
}

/** An option's value; what is wrong with it is said by the command line. */
function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof KgetError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}
