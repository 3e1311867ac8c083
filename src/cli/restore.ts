import type { Command } from 'commander';
import { readCatalogue } from '../catalogue/catalogue.ts';
import { selectSnapshots } from '../catalogue/select.ts';
import { KgetError } from '../base/error.ts';
import { restoreAll } from '../restore/restore-all.ts';
import { useStore } from '../store/store-use.ts';
import { targetPaths } from '../restore/target-paths.ts';
import { byteProgress } from './byte-progress.ts';
import { readChunksOf } from './chunk-reading.ts';
import { collect } from './collect.ts';
import { EXIT, exitCodeOfError } from './exit-code.ts';
import { chooseNodes, nodeSetFiles } from './nodes.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
SNAPSHOT is RUN[/NODE[/IMAGE]], each part a name or a glob; RUN may be the beginning of a run's
name, or "latest". One snapshot becomes the file that --to names; several, or one when --to is a
directory or ends with /, become DIR/NODE/IMAGE.

Every byte is verified, zeros become holes, and a file has its name only when it is complete. After
an interruption the same command goes on where it stopped; files that are done stay. Chunks that a
seed has are taken from there; with --force the file that is replaced is one.

Examples:
  kgetplus restore latest/node07/disk.qcow2 --to /var/lib/vm/disk.qcow2
  kgetplus restore latest -w 'node[01-16]' --to /srv/restored/
  kgetplus restore 20260131/node07/disk.qcow2 --to disk.qcow2 --force

Exit status:
  0 all is restored; 2 wrong use; 3 some are missing; 4 none was restored; 5 chunks are damaged;
  130 interrupted`;

interface RestoreOptions extends StoreOption {
  readonly to: string;
  readonly nodes?: readonly string[];
  readonly force: boolean;
  readonly seed: readonly string[];
  readonly json: boolean;
}

/** Declares `restore`. */
export function addRestore(program: Command, system: System): void {
  const command = program
    .command('restore')
    .summary('write snapshots of a store to image files')
    .description('Writes snapshots of a store to files, byte for byte, sparse and verified.')
    .argument('<snapshot...>', 'which ones');
  addStoreOption(command)
    .option('--to <path>', 'file or directory to write to', '.')
    .option('-w, --nodes <nodes>', 'only those of these nodes, e.g. node[01-64]', collect)
    .option('--force', 'replace files that are there', false)
    .option('--seed <file>', 'a file that may have much of the image (several)', collect, [])
    .option('--json', 'print what was done as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (selectors: readonly string[], options: RestoreOptions) => {
      system.setExitCode(await restoreCommand(selectors, options, system));
    });
}

/** A line of what was done, for programs. */
interface Line {
  readonly snapshot: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly writtenBytes: number;
  readonly seededBytes: number;
}

async function restoreCommand(
  selectors: readonly string[],
  options: RestoreOptions,
  system: System,
): Promise<number> {
  const place = storeAt(options, system);
  const nodes = options.nodes && chooseNodes(options.nodes, [], nodeSetFiles(system)).nodes;
  const snapshots = selectSnapshots(readCatalogue(place), { selectors, nodes });
  const placed = targetPaths(snapshots, options.to);
  const progress = byteProgress(system.stderr, system.clock);
  const lines: Line[] = [];
  const failures: KgetError[] = [];
  using _use = useStore(place, 'restore');
  await using chunks = readChunksOf(place, system);
  let isInterrupted = false;
  try {
    await restoreAll(placed, {
      chunks,
      force: options.force,
      seeds: options.seed,
      signal: system.interrupt,
      onBegin: ({ snapshot, path }, size) => progress.begin(`${snapshot.id} to ${path}`, size),
      onProgress: (bytes) => progress.done(bytes),
      onRestored({ snapshot, path }, restored) {
        progress.end();
        lines.push({ snapshot: snapshot.id, path, ...restored });
        if (!options.json) system.stdout.write(`${snapshot.id}\t${path}\n`);
      },
      onFailed(_, error) {
        progress.end();
        failures.push(error);
        system.stderr.write(`kgetplus: ${error.message}\n`);
      },
    });
  } catch (error) {
    progress.end();
    if (!(error instanceof KgetError) || error.code !== 'cancelled') throw error;
    isInterrupted = true;
    system.stderr.write('Interrupted: run the same command again to continue where it stopped.\n');
  }
  if (options.json) system.stdout.write(`${JSON.stringify(lines, undefined, 2)}\n`);
  return isInterrupted ? EXIT.interrupted : exitCodeOfAll(failures, lines.length);
}

/** Damage is told before all else; one failure of many is not the failure of all. */
function exitCodeOfAll(failures: readonly KgetError[], restored: number): number {
  const codes = failures.map(exitCodeOfError);
  if (codes.includes(EXIT.verificationFailed)) return EXIT.verificationFailed;
  const [first] = codes;
  if (first === undefined) return EXIT.ok;
  return restored > 0 ? EXIT.someMissing : first;
}
