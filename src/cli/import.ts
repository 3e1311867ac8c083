import { InvalidArgumentError, type Command } from 'commander';
import { rmSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import { parseSize } from '../base/units.ts';
import { VERSION } from '../base/version.ts';
import { manifestPath, snapshotIndexPath } from '../catalogue/catalogue.ts';
import { describeIndex } from '../catalogue/describe-index.ts';
import { type Manifest, type ManifestFields, writeManifest } from '../catalogue/manifest.ts';
import { makeDirectory } from '../content/durable.ts';
import { storeFailure } from '../content/room.ts';
import { isChunkSize } from '../content/shape.ts';
import { DEFAULT_LEVEL, hasZstd } from '../content/zstd.ts';
import { byteProgress } from '../restore/byte-progress.ts';
import { importFile } from '../restore/import-image.ts';
import { importIndex } from '../restore/import-index.ts';
import { type ChunkWriter, openChunkWriter } from '../store/chunk-writer.ts';
import { takeLease } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
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
    .option('--chunk-size <size>', 'size of chunks', chunkSize, chunkSize(DEFAULT_CHUNK))
    .option('--json', 'print what was imported as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (files: readonly string[], options: ImportOptions) => {
      system.setExitCode(await importCommand(files, options, system));
    });
}

/** One image on its way into the store. */
interface Import {
  readonly path: string;
  readonly name: string;
  readonly indexPath: string;
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
  const place = storeAt(options, system);
  const startedAt = new Date();
  const run = runName(startedAt, system.entropy);
  const imports = importsOf(files, options, { place, run });
  const manifest: ManifestFields = {
    run,
    startedAt: startedAt.toISOString(),
    endedAt: null,
    user: userInfo().username,
    host: hostname(),
    version: VERSION,
    command: [...system.commandLine],
    tags: [...options.tag],
    images: [],
    missing: [],
  };
  const stored = { title: `run ${run}`, directory: place.directory, neededBytes: 0 };
  try {
    const lease = takeLease(place, 'import');
    try {
      const writer = await openChunkWriter(place, lease);
      try {
        return await importRun(imports, manifest, { place, writer, options, system });
      } finally {
        await writer.commit();
        await writer.close();
      }
    } finally {
      lease.release();
    }
  } catch (error) {
    throw storeFailure(error, stored);
  }
}

interface Work {
  readonly place: StorePlace;
  readonly writer: ChunkWriter;
  readonly options: ImportOptions;
  readonly system: System;
}

/** Imports one image after the other, and says in the run's manifest what came of it. */
async function importRun(
  imports: readonly Import[],
  begun: ManifestFields,
  work: Work,
): Promise<number> {
  const { place, options, system } = work;
  const path = manifestPath(place, begun.run);
  await makeDirectory(dirname(path));
  await writeManifest(path, begun);
  const images: Manifest['images'] = [];
  const missing: Manifest['missing'] = [];
  const failures: KgetError[] = [];
  let isInterrupted = false;
  for (const one of imports) {
    try {
      await importOne(one, work);
      const described = await describeIndex(one.indexPath);
      const { name } = one;
      images.push({
        node: options.node,
        path: one.path,
        name,
        ...described,
        wireBytes: 0,
        chunks: 0,
      });
      if (!options.json) system.stdout.write(`${begun.run}/${options.node}/${name}\n`);
    } catch (cause) {
      const stored = { title: one.path, directory: place.directory, neededBytes: 0 };
      const error = storeFailure(cause, stored);
      if (!(error instanceof KgetError)) throw error;
      isInterrupted = error.code === 'cancelled';
      if (isInterrupted) break;
      failures.push(error);
      missing.push({ node: options.node, path: one.path, reason: error.message });
      system.stderr.write(`kgetplus: ${error.message}\n`);
    }
  }
  const endedAt = isInterrupted ? null : new Date().toISOString();
  const manifest = { ...begun, endedAt, images, missing };
  if (images.length > 0) await writeManifest(path, manifest);
  else rmSync(dirname(path), { recursive: true, force: true });
  if (options.json) system.stdout.write(`${JSON.stringify(manifest, undefined, 2)}\n`);
  if (!isInterrupted) return exitCodeOfAll(failures, images.length);
  const again = commandLine(system.commandLine);
  system.stderr.write(`Interrupted: what is stored is found again by ${again}\n`);
  return EXIT.interrupted;
}

async function importOne({ path, name, indexPath }: Import, work: Work): Promise<void> {
  const { writer, options, system } = work;
  const progress = byteProgress(system.stderr, system.clock);
  const shared = {
    path,
    writer,
    indexPath,
    level: DEFAULT_LEVEL,
    signal: system.interrupt,
    onBegin: (sizeBytes: number) => progress.begin(name, sizeBytes),
    onProgress: (bytes: number) => progress.done(bytes),
  };
  try {
    if (options.from === undefined) {
      await importFile({ ...shared, chunkSizeBytes: options.chunkSize });
    } else {
      await importIndex({ ...shared, from: resolve(options.from) });
    }
  } finally {
    progress.end();
  }
}

/** @throws KgetError `usage` for a name that is none in a store, `name-clash` for one twice */
function importsOf(
  files: readonly string[],
  { from, node }: ImportOptions,
  { place, run }: { readonly place: StorePlace; readonly run: string },
): readonly Import[] {
  const byName = new Map<string, Import>();
  for (const file of files) {
    const path = resolve(file);
    const name = from === undefined ? basename(path) : basename(path, '.caibx');
    for (const part of [node, name]) confirmName(part, path);
    const other = byName.get(name);
    if (other !== undefined) {
      const advice = 'both would be the same image of one node; import them one by one';
      throw new KgetError('name-clash', `Cannot import ${other.path} and ${path}: ${advice}`);
    }
    byName.set(name, { path, name, indexPath: snapshotIndexPath(place, { run, node, name }) });
  }
  return [...byName.values()];
}

function confirmName(name: string, path: string): void {
  if (name !== '' && !name.startsWith('.') && !/[/\0]/.test(name)) return;
  const wanted = 'wanted a plain name that does not begin with a dot';
  throw new KgetError('usage', `Cannot import ${path} as "${name}": ${wanted}`);
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

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
