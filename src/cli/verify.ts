import { InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import { visible } from '../report/names.ts';
import type { VerifyProgress } from '../upkeep/find-bad.ts';
import { imageSource } from '../upkeep/repair-from-image.ts';
import { nodesSource } from '../upkeep/repair-from-nodes.ts';
import { storeSource } from '../upkeep/repair-from-store.ts';
import type { RepairSource } from '../upkeep/repair.ts';
import { MAX_SEED } from '../upkeep/sample.ts';
import { type BadChunk, isGood, type VerifyReport } from '../upkeep/verify-report.ts';
import { verify } from '../upkeep/verify.ts';
import { readChunksOf } from './chunk-reading.ts';
import { collect } from './collect.ts';
import { EXIT } from './exit-code.ts';
import { chooseNodes, nodeSetFiles } from './nodes.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { splitWords } from './words.ts';

/** Chunks that each processor has to do at the same time: while one is read, another is hashed. */
const CHUNKS_A_PROCESSOR = 2;
const MAX_AT_ONCE = 32;

/** Bad chunks that are shown without --json. */
const MAX_SHOWN = 50;

const REDRAW_INTERVAL_MS = 250;

const ABOUT = `
SNAPSHOT is RUN[/NODE[/NAME]], each part a name or a glob; all snapshots without any. Each chunk is
read once, however many snapshots need it. A damaged one is renamed to *.cacnk.bad, so that the next
gather, or --repair-from, puts a good one in its place.

--repair-from takes image files (older copies, whose chunks are tried where the snapshots have
them, then everywhere), other stores (their directory, or one that ends in .castr), and nodes that
may still have an image where it was. What contains a slash or exists here is a path.

Ends with 0 if all is good or was repaired, with 5 if not.

Examples:
  kgetplus verify --store /srv/snapshots
  kgetplus verify --sample 5% --seed 17
  kgetplus verify latest --repair-from 'node[01-16]' --repair-from /mnt/mirror`;

interface VerifyCommandOptions extends StoreOption {
  readonly nodes?: readonly string[];
  readonly sample: number;
  readonly seed?: number;
  readonly repairFrom: readonly string[];
  readonly ssh: string;
  readonly json: boolean;
}

/** Declares `verify`. */
export function addVerify(program: Command, system: System): void {
  const command = program
    .command('verify')
    .summary('check snapshots of a store, and repair them')
    .description('Reads what snapshots of a store need and compares it with its digests.')
    .argument('[snapshots...]', 'which ones; all unless given');
  addStoreOption(command)
    .option('-w, --nodes <nodes>', 'only those of these nodes, e.g. node[01-64]', collect)
    .addOption(
      new Option('--sample <percent>', 'read only this share of the chunks, e.g. 5%')
        .argParser(parseShare)
        .default(1, 'all'),
    )
    .option('--seed <n>', 'which share; another one each time unless given', parseSeed)
    .option('--repair-from <source>', 'image, store or nodes to repair from', collect, [])
    .option('--ssh <command>', 'remote shell', 'ssh')
    .option('--json', 'print the findings as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (selectors: readonly string[], options: VerifyCommandOptions) => {
      const report = await runVerify(selectors, options, system);
      if (options.json) system.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
      else system.stdout.write(renderVerify(report));
      if (report.isInterrupted) system.setExitCode(EXIT.interrupted);
      else if (!isGood(report)) system.setExitCode(EXIT.verificationFailed);
    });
}

async function runVerify(
  selectors: readonly string[],
  options: VerifyCommandOptions,
  system: System,
): Promise<VerifyReport> {
  const { clock, interrupt, entropy, processors } = system;
  const sets = options.nodes;
  const nodes = sets === undefined ? undefined : chooseNodes(sets, [], nodeSetFiles(system)).nodes;
  const place = storeAt(options, system);
  await using chunks = readChunksOf(place, system);
  using progress = showVerifying(system);
  return await verify({
    place,
    chunks,
    selection: { selectors, nodes },
    share: options.sample,
    seed: options.seed ?? Number.parseInt(entropy.hex(4), 16),
    sources: options.repairFrom.map((text) => sourceOf(text, options, system)),
    atOnce: Math.min(CHUNKS_A_PROCESSOR * processors + 1, MAX_AT_ONCE),
    clock,
    signal: interrupt,
    onProgress: progress.show,
  });
}

function sourceOf(text: string, { ssh }: VerifyCommandOptions, system: System): RepairSource {
  const path = resolve(text);
  if (!text.includes('/') && !existsSync(path)) {
    const { nodes } = chooseNodes([text], [], nodeSetFiles(system));
    return nodesSource({ title: text, nodes, command: splitWords(ssh) });
  }
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true || stat?.isBlockDevice() === true) return imageSource(path);
  const isStore = path.endsWith('.castr') || existsSync(join(path, 'store.castr'));
  if (stat?.isDirectory() === true && isStore) return storeSource(path);
  const found = stat === undefined ? 'there is nothing' : 'there is neither an image nor a store';
  throw new KgetError('usage', `Cannot repair from ${text}: ${found}`);
}

/** A line on a terminal that is drawn anew now and then. */
function showVerifying({
  stderr,
  clock,
}: System): Disposable & { readonly show: (progress: VerifyProgress) => void } {
  let drawnMs = -Infinity;
  return {
    show({ doneBytes, wantedBytes, badChunks }) {
      const nowMs = clock.nowMs();
      if (!stderr.isTTY || nowMs - drawnMs < REDRAW_INTERVAL_MS) return;
      drawnMs = nowMs;
      const bad = badChunks === 0 ? '' : `, ${badChunks} chunks bad`;
      stderr.write(`\r\u001B[K${formatSize(doneBytes)} of ${formatSize(wantedBytes)} read${bad}`);
    },
    [Symbol.dispose]() {
      if (stderr.isTTY) stderr.write('\r\u001B[K');
    },
  };
}

/** What was found, for people. */
function renderVerify(report: VerifyReport): string {
  const { bad, faults, unlistedBad } = report;
  const lines = [
    ...report.warnings.map((warning) => `note: ${warning}`),
    ...faults.map(({ subject, message }) => `${subject}: ${message}`),
    ...bad.slice(0, MAX_SHOWN).flatMap(badLines),
  ];
  if (bad.length > MAX_SHOWN) lines.push(`… and ${bad.length - MAX_SHOWN} more: see --json`);
  if (unlistedBad > 0) {
    lines.push(`${unlistedBad} more chunks are bad or missing: repair these, then verify again`);
  }
  const { share, seed } = report;
  const drawn = share < 1 ? ` (a sample of ${share * 100}%, --seed ${seed})` : '';
  lines.push(
    `Read ${report.readChunks} of ${report.chunks} chunks${drawn}, ` +
      `${formatSize(report.readBytes)} of ${formatSize(report.bytes)}, ` +
      `for ${report.snapshots} ${report.snapshots === 1 ? 'snapshot' : 'snapshots'}.`,
    verdictOf(report),
  );
  return lines.map((line) => `${visible(line)}\n`).join('');
}

function badLines({ message, repairedFrom, snapshots, snapshotCount }: BadChunk): string[] {
  const more = snapshotCount - snapshots.length;
  const hurt = `${snapshots.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const state = repairedFrom === null ? 'hurts' : `repaired from ${repairedFrom}, was needed by`;
  return [message, `  ${state} ${hurt}`];
}

function verdictOf(report: VerifyReport): string {
  const { bad, faults, unlistedBad, isInterrupted } = report;
  const repaired = bad.filter(({ repairedFrom }) => repairedFrom !== null).length;
  const left = bad.length - repaired + unlistedBad;
  const end = isInterrupted ? 'Stopped before the end. ' : '';
  if (isGood(report)) {
    return `${end}All is good${repaired > 0 ? `: chunks repaired: ${repaired}` : ''}.`;
  }
  return `${end}Bad chunks: ${left}; repaired: ${repaired}; other faults: ${faults.length}.`;
}

function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  const share = Number(match?.[1] ?? NaN) / 100;
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError('Wanted a share such as 5%, above 0% and up to 100%.');
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed <= MAX_SEED) return seed;
  throw new InvalidArgumentError(`Wanted a whole number from 0 to ${MAX_SEED}.`);
}
