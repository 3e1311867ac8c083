import type { Command } from 'commander';
import { resolve } from 'node:path';
import { KgetError, type Failure } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import { localLauncher } from '../control/local-launcher.ts';
import type { RunFacts } from '../coordinator/facts.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import { serialiseReport } from '../report/json.ts';
import { renderSummaryText } from '../report/text.ts';
import { fileLayout } from './file-layout.ts';
import { exitCodeOf, exitCodeOfDryRun } from './exit-code.ts';
import { addGatherOptions, checkPatterns, type GatherOptions } from './gather-options.ts';
import { runGather, type GatherResult } from './gather-run.ts';
import { cutOnNodes } from './gather-vms.ts';
import { nodeLauncher } from './node-launcher.ts';
import { readNodeTerms } from './node-terms.ts';
import { chooseNodes, nodeSetFiles, repeatedText } from './nodes.ts';
import { showProgress } from './progress.ts';
import { storeLayout } from './store-layout.ts';
import { releaseHook } from './release-hook.ts';
import { readTimeLimits } from './time-limits.ts';
import { commandLine } from './words.ts';
import type { System } from './system.ts';

const EXAMPLES = `
Examples:
  kgetplus gather -w 'node[01-64]' /var/lib/vm/job.qcow2 --to /srv/snapshots
  kgetplus gather -w @ci -x node07 '/vm/{node}/*.raw' --to /srv/ci --objective target:80%
  kgetplus gather -w 'n[1-8]' /vm/disk.img --to out --on-release 'oardel --host {node}'
  kgetplus gather -w 'n[1-8]' --vms --memory --to /srv/snapshots --layout store

Exit status:
  0 every image is safe here; 2 wrong use; 3 some images are missing; 4 none arrived;
  130 interrupted (run the same command again, or kgetplus resume DIR); 1 anything else`;

/** Declares `gather`. */
export function addGather(program: Command, system: System): void {
  const command = program
    .command('gather')
    .summary('bring VM images from nodes to this host')
    .description(
      'Brings the images that PATH... name on each node to DIR/NODE/FILE on this host, verified, ' +
        'one sender at a time, and releases most nodes early.',
    )
    .addHelpText('after', EXAMPLES);
  declareGather(command).action(async (patterns: string[], options: GatherOptions) => {
    const asked = { patterns, options, command: system.commandLine };
    system.setExitCode(await gatherCommand(asked, system));
  });
}

/** Declares the arguments and options of `gather`. */
export function declareGather(command: Command): Command {
  command.argument('[path...]', 'path or glob on each node ({node} is replaced)');
  return addGatherOptions(command);
}

/** A gather as its command line has it. */
export interface AskedGather {
  readonly patterns: readonly string[];
  readonly options: GatherOptions;
  /** The words that ask for it, from `gather` on. */
  readonly command: readonly string[];
  /** It goes on with an unfinished run, or nothing is done. */
  readonly mustContinue?: boolean;
}

/** Gathers, and prints what came of it; the exit code. @throws KgetError as `runGather` */
export async function gatherCommand(asked: AskedGather, system: System): Promise<number> {
  const { patterns, options, command } = asked;
  const files = nodeSetFiles(system);
  const { nodes, repeated } = chooseNodes(options.nodes, options.exclude ?? [], files);
  if (repeated.length > 0) system.stderr.write(`kgetplus: ${repeatedText(repeated)}\n`);
  const { onRelease } = options;
  const hook = onRelease === undefined ? undefined : releaseHook(onRelease);
  if (!options.vms) {
    checkPatterns(patterns);
    return await gatherFiles({ ...asked, nodes, ...(hook && { onRelease: hook }) }, system);
  }
  if (options.dryRun) {
    throw new KgetError('usage', 'Cannot snapshot machines in a dry run: leave --dry-run out');
  }
  const machines = await cutOnNodes({ nodes, names: patterns, options }, system);
  return await gatherFiles(
    {
      ...asked,
      ...machines,
      nodes: machines.nodes ?? nodes,
      command: [...command, ...machines.words],
      onRelease: async (node) => (await machines.drop(node)) ?? (await hook?.(node)),
    },
    system,
  );
}

interface AskedFiles extends AskedGather {
  readonly nodes: readonly string[];
  onRelease?(node: string): Promise<Failure | undefined>;
}

/** Gathers what patterns name. */
async function gatherFiles(asked: AskedFiles, system: System): Promise<number> {
  const { nodes, patterns, options, command, mustContinue = false } = asked;
  const terms = readNodeTerms(options, { nodes, files: nodeSetFiles(system) });
  const startedMs = system.clock.nowMs();
  using progress = showProgress({ stream: system.stderr, clock: system.clock, startedMs });
  const result = await runGather(
    {
      nodes,
      patterns,
      objective: options.objective,
      maxHops: options.maxHops,
      copies: options.copies,
      ...terms,
      senders: options.senders,
      chunkSizeBytes: options.chunkSize,
      targetDirectory: resolve(options.to),
      layout: options.layout === 'store' ? storeLayout(options.compression) : fileLayout,
      command,
      spoolDirectory: options.spool ?? null,
      frontendBytesPerSecond: options.bwlimit ?? null,
      nodeBytesPerSecond: null,
      limits: readTimeLimits(options),
      dryRun: options.dryRun ? 'names' : false,
      fresh: options.fresh,
      mustContinue,
      reportPath: options.report ?? null,
    },
    {
      clock: system.clock,
      entropy: system.entropy,
      nodes: nodeLauncher(system.agent, options, system),
      frontend: localLauncher({ ...system.agent, clock: system.clock }),
      observer: progress.observer,
      ...(asked.onRelease !== undefined && { onRelease: asked.onRelease }),
      signal: system.interrupt,
    },
  );
  progress[Symbol.dispose]();
  print(result, options, system);
  const exitCode = options.dryRun ? exitCodeOfDryRun : exitCodeOf;
  return exitCode(result.report, result.outcome.interrupted);
}

function print(result: GatherResult, options: GatherOptions, system: System): void {
  const { report, outcome } = result;
  if (options.json) system.stdout.write(serialiseReport(report));
  else if (options.dryRun) system.stdout.write(dryRunText(outcome.facts));
  else system.stdout.write(renderSummaryText(report));
  const { htmlReportPath } = result;
  if (htmlReportPath !== undefined) system.stderr.write(`Report: ${htmlReportPath}\n`);
  if (outcome.interrupted) {
    // With machines, the same command would take other snapshots.
    const same = options.vms ? '' : 'run the same command again to continue where it stopped, or ';
    system.stderr.write(`Interrupted: ${same}kgetplus resume ${commandLine([options.to])}\n`);
    return;
  }
  const left = report.nodes.filter((node) => node.state !== 'released').map((node) => node.node);
  if (left.length > 0 && !options.dryRun) {
    const again = `kgetplus resume ${commandLine([options.to])}`;
    system.stderr.write(`Not released: ${foldNodeSet(left)}; ${again} tries these again.\n`);
  }
}

function dryRunText(facts: RunFacts): string {
  const images = [...facts.images.values()];
  // In the order in which the nodes were named, not that in which they answered.
  const lines = [...facts.nodes.keys()].flatMap((name) =>
    images
      .filter(({ node }) => node === name)
      .map(({ node, path, sizeBytes }) => `${node}\t${path}\t${formatSize(sizeBytes)}\n`),
  );
  const total = images.reduce((sum, image) => sum + image.sizeBytes, 0);
  lines.push(`${images.length} images, ${formatSize(total)}; nothing was moved\n`);
  return lines.join('');
}
