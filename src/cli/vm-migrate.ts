import { InvalidArgumentError, Option, type Command } from 'commander';
import { KgetError } from '../base/error.ts';
import { formatTimeSpan, parseTimeSpan } from '../base/time-span.ts';
import { formatSize, parseRate } from '../base/units.ts';
import { deploy } from '../job/deploy/deploy.ts';
import { migrateVm } from '../job/life/migrate-vm.ts';
import { filesOfVm } from '../job/run/want-vm.ts';
import { EXIT } from './exit-code.ts';
import type { System } from './system.ts';
import { addVmTarget, findVms, type VmTarget, type VmTargetOptions } from './vm-target.ts';

const ABOUT = `
The machine runs on while its disk and memory are copied to the other node, which has to be one of the
job's; it stands still for the last part of it. If it writes faster than the link is, it is given up
after --limit, and the machine runs on where it was. Disks that the nodes share (job submit
--shared-dir) are not copied.

Examples:
  kgetplus vm migrate latest.2 --to node07 --store /srv/snapshots
  kgetplus vm migrate latest --to node07 --limit 10min --bandwidth 500Mbit`;

/** For an answer that costs nothing. */
const STEP_MS = 60_000;
const DEFAULT_LIMIT_MS = 5 * 60_000;
const DEFAULT_DOWNTIME_MS = 300;
/** What `--limit` may be. */
const LIMIT = { fromMs: 1000, toMs: 24 * 3600_000 };

interface MigrateOptions extends VmTargetOptions {
  readonly to: string;
  readonly limit: number;
  readonly downtime: number;
  readonly bandwidth?: number;
}

/** Declares `vm migrate`. */
export function addVmMigrate(vm: Command, system: System): void {
  const command = vm
    .command('migrate')
    .summary('move running machines to another node')
    .description('Moves running machines to another node of their job, live.')
    .requiredOption('--to <node>', 'where they are to run');
  addVmTarget(command)
    .addOption(
      new Option('--limit <time>', 'give up after so long')
        .argParser(limit)
        .default(DEFAULT_LIMIT_MS, formatTimeSpan(DEFAULT_LIMIT_MS)),
    )
    .option('--downtime <ms>', 'pause that the guest may suffer', downtime, DEFAULT_DOWNTIME_MS)
    .option('--bandwidth <rate>', 'of the copy, at most', rate)
    .addHelpText('after', ABOUT)
    .action(async (text: string, options: MigrateOptions) => {
      await using target = await findVms(text, options, system);
      await migrateAll(target, options, system);
      system.setExitCode(EXIT.ok);
    });
}

async function migrateAll(
  target: VmTarget,
  options: MigrateOptions,
  system: System,
): Promise<void> {
  const { vms, reach } = target;
  const to = target.hostAt(options.to);
  const moving = vms.filter(({ host }) => host.node !== to.node);
  if (moving.length === 0) {
    throw new KgetError('usage', `Cannot migrate to ${to.node}: all of them are there already`);
  }
  for (const { found, host } of moving) {
    // What its disk starts from is on its node: it need not come from the frontend again.
    const { wanted } = await host.caller.call('describe', { vm: found.name }, { limitMs: STEP_MS });
    if (wanted === null) {
      throw new KgetError('usage', `Cannot migrate ${found.name}: it is no machine of a job`);
    }
    const { nodes } = await deploy({
      files: filesOfVm(wanted),
      frontend: host,
      nodes: [to],
      clock: system.clock,
      signal: system.interrupt,
    });
    const failure = nodes[0]?.failure;
    if (failure !== undefined) throw new KgetError(failure.code, failure.message);
    const figures = await migrateVm({
      wanted,
      source: host,
      target: to,
      sharedStorage: reach.sharedDirectory !== null,
      limitMs: options.limit,
      downtimeLimitMs: options.downtime,
      bytesPerSecond: options.bandwidth ?? null,
      signal: system.interrupt,
      onMoved: () => {},
    });
    system.stdout.write(
      `${found.name} moved from ${host.node} to ${to.node} in ` +
        `${(figures.totalMs / 1000).toFixed(1)} s, ${formatSize(figures.movedBytes)}; ` +
        `it stood still for ${Math.round(figures.downtimeMs)} ms\n`,
    );
  }
}

function limit(text: string): number {
  return asArgument(() => parseTimeSpan(text, LIMIT));
}

function rate(text: string): number {
  return asArgument(() => parseRate(text));
}

function downtime(text: string): number {
  const ms = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (ms >= 1) return ms;
  throw new InvalidArgumentError('Wanted a whole number of milliseconds.');
}

function asArgument<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
