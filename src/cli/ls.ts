import type { Command } from 'commander';
import { KgetError } from '../base/error.ts';
import { readCatalogue } from '../catalogue/catalogue.ts';
import { selectSnapshots } from '../catalogue/select.ts';
import { summariseRun } from '../catalogue/size-summary.ts';
import { measureStore } from '../catalogue/size-table.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import { visible } from '../report/names.ts';
import { renderListText, renderRunsText } from '../report/store-list-text.ts';
import type { ListedRun, StoreListing } from '../report/store-listing.ts';
import { chooseNodes, nodeSetFiles } from './nodes.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { collect } from './collect.ts';

const ABOUT = `
SNAPSHOT is RUN[/NODE[/IMAGE]], each part a name or a glob. RUN may be the beginning of a run's
name, or "latest" for the newest snapshot of each image.

Data: bytes of chunks that are not all zero. Unique: bytes of chunk files that no other snapshot
uses (with --runs: no other run), so what removing that one alone would free. To tell it, the
indexes of all snapshots are read; --fast leaves it out.

Examples:
  kgetplus ls --store /srv/snapshots
  kgetplus ls latest -w 'node[01-16]'
  kgetplus ls --runs --fast
  kgetplus ls '2026*/node07' --json`;

interface LsOptions extends StoreOption {
  readonly nodes?: readonly string[];
  readonly runs: boolean;
  readonly fast: boolean;
  readonly json: boolean;
}

/** Declares `ls`. */
export function addLs(program: Command, system: System): void {
  const command = program
    .command('ls')
    .summary('list the snapshots of a store')
    .description('Lists runs and snapshots of a store, and what they take.')
    .argument('[snapshots...]', 'which ones; all unless given');
  addStoreOption(command)
    .option('-w, --nodes <nodes>', 'only those of these nodes, e.g. node[01-64]', collect)
    .option('--runs', 'one line for each run', false)
    .option('--fast', 'do not tell what is unique', false)
    .option('--json', 'print the list as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (selectors: readonly string[], options: LsOptions) => {
      const listing = await list(selectors, options, system);
      if (options.json) system.stdout.write(`${JSON.stringify(listing, undefined, 2)}\n`);
      else system.stdout.write((options.runs ? renderRunsText : renderListText)(listing));
    });
}

async function list(
  selectors: readonly string[],
  options: LsOptions,
  system: System,
): Promise<StoreListing> {
  const place = storeAt(options, system);
  const catalogue = readCatalogue(place);
  const nodes = options.nodes && chooseNodes(options.nodes, [], nodeSetFiles(system)).nodes;
  const chosen = new Set(selectSnapshots(catalogue, { selectors, nodes }));
  const all = catalogue.runs.flatMap(({ snapshots }) => snapshots);
  const measure = options.fast
    ? undefined
    : await measureStore(place, all, { signal: system.interrupt });
  const runs: ListedRun[] = [];
  for (const run of catalogue.runs) {
    const snapshots = run.snapshots.filter((snapshot) => chosen.has(snapshot));
    const summary = await summariseRun(run, { snapshots, nodes, measure });
    const isEmpty = snapshots.length === 0 && summary.missing.length === 0;
    const isAsked = snapshots.length > 0 || selectors.length === 0;
    if (isAsked && (!isEmpty || nodes === undefined)) runs.push(summary);
  }
  if (runs.length === 0 && nodes !== undefined) throw noneOf(nodes);
  const problems = runs.flatMap(({ snapshots }) => snapshots.flatMap((it) => it.problem ?? []));
  for (const text of [...catalogue.warnings, ...(measure?.warnings ?? []), ...problems]) {
    system.stderr.write(`kgetplus: ${visible(text)}\n`);
  }
  return { schema: 'kgetplus.ls/1', store: place.directory, runs };
}

function noneOf(nodes: readonly string[]): KgetError {
  return new KgetError(
    'usage',
    `Cannot find a snapshot of ${foldNodeSet(nodes)}: kgetplus ls shows what there is`,
  );
}
