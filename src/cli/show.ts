import type { Command } from 'commander';
import { KgetError } from '../base/error.ts';
import { type Catalogue, readCatalogue, type Run, type Snapshot } from '../catalogue/catalogue.ts';
import { selectSnapshots } from '../catalogue/select.ts';
import { detailSnapshot } from '../catalogue/size-detail.ts';
import { summariseRun } from '../catalogue/size-summary.ts';
import { measureStore, type StoreMeasure } from '../catalogue/size-table.ts';
import { visible } from '../report/names.ts';
import type { ShownRun, ShownSnapshot } from '../report/store-listing.ts';
import { renderShowText } from '../report/store-show-text.ts';
import type { StorePlace } from '../store/store-place.ts';
import { EXIT } from './exit-code.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { commandLine } from './words.ts';

const ABOUT = `
Names a run (its name, the beginning of it, or "latest") or snapshots of one run as RUN/NODE or
RUN/NODE/IMAGE, where RUN/NODE may be globs.

Stored: bytes of the files of its chunks. Unique: bytes of those that nothing else uses.

Exit code: 0; 3 if chunks are missing from the store, 5 if an index cannot be used or is not the one
that the run made.

Examples:
  kgetplus show latest --store /srv/snapshots
  kgetplus show 20260101T020000Z-1a2b3c/node07 --json`;

interface ShowOptions extends StoreOption {
  readonly json: boolean;
}

/** Declares `show`. */
export function addShow(program: Command, system: System): void {
  const command = program
    .command('show')
    .summary('show all that is known of a snapshot or a run')
    .description('Shows all that is known of a run of a store, or of snapshots of it.')
    .argument('<snapshot|run>', 'which one');
  addStoreOption(command)
    .option('--json', 'print it as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (selector: string, options: ShowOptions) => {
      const place = storeAt(options, system);
      const catalogue = readCatalogue(place);
      const { run, snapshots } = choose(catalogue, selector);
      const all = catalogue.runs.flatMap((each) => each.snapshots);
      const measure = await measureStore(place, all, { signal: system.interrupt });
      for (const text of [...catalogue.warnings, ...measure.warnings]) {
        system.stderr.write(`kgetplus: ${visible(text)}\n`);
      }
      const shown = await showRun(run, { snapshots, measure, place });
      if (options.json) system.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
      else system.stdout.write(renderShowText(shown));
      system.setExitCode(exitCodeOf(shown));
    });
}

interface Chosen {
  readonly run: Run;
  readonly snapshots: readonly Snapshot[];
}

/** A run, with or without snapshots, or snapshots of one run. @throws KgetError `usage` */
function choose(catalogue: Catalogue, selector: string): Chosen {
  const parts = selector.split('/').filter((part) => part !== '');
  const [name = ''] = parts;
  if (parts.length === 1) {
    const run = runCalled(catalogue.runs, name);
    if (run !== undefined) return { run, snapshots: run.snapshots };
  }
  const snapshots = selectSnapshots(catalogue, { selectors: [selector] });
  const ids = new Set(snapshots.map((snapshot) => snapshot.run));
  const [run, ...others] = catalogue.runs.filter(({ id }) => ids.has(id));
  if (run !== undefined && others.length === 0) return { run, snapshots };
  throw new KgetError(
    'usage',
    `Cannot show "${selector}": found snapshots of ${ids.size} runs, wanted those of one; ` +
      'kgetplus ls lists several',
  );
}

/** The run of this name, or the only one whose name begins so. */
function runCalled(runs: readonly Run[], name: string): Run | undefined {
  if (name === 'latest') return runs.at(-1);
  const exact = runs.find(({ id }) => id === name);
  const [begun, ...others] = runs.filter(({ id }) => id.startsWith(name));
  return exact ?? (others.length === 0 ? begun : undefined);
}

interface Shown {
  readonly snapshots: readonly Snapshot[];
  readonly measure: StoreMeasure;
  readonly place: StorePlace;
}

async function showRun(run: Run, { snapshots, measure, place }: Shown): Promise<ShownRun> {
  const summary = await summariseRun(run, { snapshots, measure });
  const shown: ShownSnapshot[] = [];
  for (const snapshot of snapshots) {
    const own = summary.snapshots.find(({ id }) => id === snapshot.id);
    if (own === undefined) continue;
    const { indexPath, name } = snapshot;
    const words = ['casync', `--store=${place.chunks}`, 'extract', indexPath, name];
    const detail = await detailSnapshot(snapshot, own, measure);
    shown.push({ ...detail, extractCommand: commandLine(words) });
  }
  const { manifest } = run;
  const isPart = snapshots.length < run.snapshots.length;
  return {
    schema: 'kgetplus.show/1',
    store: place.directory,
    ...summary,
    by: manifest === undefined ? null : byOf(manifest),
    snapshots: shown,
    missing: isPart ? [] : summary.missing,
  };
}

function byOf({ user, host, version, command }: NonNullable<Run['manifest']>): ShownRun['by'] {
  return { user, host, version, command };
}

function exitCodeOf({ snapshots }: ShownRun): number {
  if (snapshots.some(({ problem }) => problem !== null)) return EXIT.verificationFailed;
  const isMissing = snapshots.some(({ missingChunks }) => (missingChunks ?? 0) > 0);
  return isMissing ? EXIT.someMissing : EXIT.ok;
}
