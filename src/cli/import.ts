import { InvalidArgumentError, Option, type Command } from 'commander';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import { parseSize } from '../base/units.ts';
import { DEFAULT_LEVEL, hasZstd } from '../content/zstd.ts';
import { isChunkSize } from '../content/shape.ts';
import { importRun } from '../restore/import-run.ts';
import { byteProgress } from './byte-progress.ts';
import { collect } from './collect.ts';
import { EXIT, exitCodeOfError } from './exit-code.ts';
import { runName } from './run-name.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { commandLine } from './words.ts';

/** As for `gather`: two clusters of a qcow2 image. */
const DEFAULT_CHUNK = '128KiB';

const ABOUT = `
Without --from, FILE is an image; it is put into the store byte for byte, whatever it is: a qcow2
file stays one. With --from, FILE is an index (.caibx) of that store of casync or desync; its chunks
are verified and taken over under their names, unless they are here already.

What is imported at once becomes a run of its own. A store that is not there is made. After an
interruption, the same command finds what it has stored before.

Examples:
  kgetplus import /var/lib/vm/disk.qcow2 --store /srv/snapshots --tag golden
  kgetplus import --from old/default.castr old/*.caibx --node node07`;

interface ImportOptions extends StoreOption {
  readonly from?: string;
  readonly node: string;
  readonly tag: readonly string[];
  readonly chunkSize: number;
  readonly json: boolean;
}

/** Declares `import`. */
export function addImport(program: Command, system: System): void {
  const command = program
    .command('import')
    .summary('put image files, or images of another store, into a store')
    .description('Puts image files, or images of a casync or desync store, into a store.')
    .argument('<file...>', 'image files; with --from, indexes (.caibx)');
  addStoreOption(command)
    .option('--from <dir>', 'a store of casync or desync (.castr) to take images over from')
    .option('--node <name>', 'the node that the images count as those of', hostname())
    .option('--tag <tag>', 'a tag of the run, which prune then keeps (several)', collect, [])
    .addOption(
      new Option('--chunk-size <size>', 'size of chunks of image files')
        .argParser(chunkSize)
        .default(chunkSize(DEFAULT_CHUNK), DEFAULT_CHUNK),
    )
    .option('--json', 'print what was imported as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (files: readonly string[], options: ImportOptions) => {
      system.setExitCode(await importCommand(files, options, system));
    });
}

async function importCommand(
  files: readonly string[],
  options: ImportOptions,
  system: System,
): Promise<number> {
  if (!hasZstd) {
    const found = `found Node.js ${process.version}, wanted 22.15 or newer`;
    throw new KgetError('usage', `Cannot import without zstd: ${found}`);
  }
  const startedAt = new Date();
  const progress = byteProgress(system.stderr, system.clock);
  const failures: KgetError[] = [];
  const { manifest, isInterrupted } = await importRun({
    place: storeAt(options, system),
    files,
    from: options.from === undefined ? undefined : resolve(options.from),
    run: runName(startedAt, system.entropy),
    startedAt,
    node: options.node,
    tags: options.tag,
    command: system.commandLine,
    chunkSizeBytes: options.chunkSize,
    level: DEFAULT_LEVEL,
    signal: system.interrupt,
    onBegin: (name, sizeBytes) => progress.begin(name, sizeBytes),
    onProgress: (bytes) => progress.done(bytes),
    onImported(id) {
      progress.end();
      if (!options.json) system.stdout.write(`${id}\n`);
    },
    onFailed(error) {
      progress.end();
      failures.push(error);
      system.stderr.write(`kgetplus: ${error.message}\n`);
    },
  });
  progress.end();
  if (options.json) system.stdout.write(`${JSON.stringify(manifest, undefined, 2)}\n`);
  if (!isInterrupted) return exitCodeOfAll(failures, manifest.images.length);
  const again = commandLine(['kgetplus', ...system.commandLine]);
  system.stderr.write(`Interrupted: what is stored is found again by ${again}\n`);
  return EXIT.interrupted;
}

/** Damage is told before all else; one failure of many is not the failure of all. */
function exitCodeOfAll(failures: readonly KgetError[], imported: number): number {
  const codes = failures.map(exitCodeOfError);
  if (codes.includes(EXIT.verificationFailed)) return EXIT.verificationFailed;
  const [first] = codes;
  if (first === undefined) return EXIT.ok;
  return imported > 0 ? EXIT.someMissing : first;
}

function chunkSize(text: string): number {
  const bytes = parseSize(text);
  if (isChunkSize(bytes)) return bytes;
  throw new InvalidArgumentError('Wanted a power of two from 4KiB to 16MiB.');
}
