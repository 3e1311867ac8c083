import { Option, type Command } from 'commander';
import { resolve } from 'node:path';
import { readCatalogue } from '../catalogue/catalogue.ts';
import { selectSnapshot } from '../catalogue/select.ts';
import { EXPORT_FORMATS, type ExportFormat, exportSnapshot } from '../restore/export-snapshot.ts';
import { useStore } from '../store/store-use.ts';
import { byteProgress } from './byte-progress.ts';
import { readChunksOf } from './chunk-reading.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
Formats:
  raw    the bytes of the image as they are, whatever it is: as restore does
  qcow2  a qcow2 file, by qemu-img; an image called *.qcow2 is one already, and is only converted
         to be compressed
  oci    a KubeVirt containerDisk: a directory that is an OCI image, for skopeo and registries

An image called *.qcow2 is taken for a qcow2 file, all others for raw disks. One that needs a
backing file makes neither qcow2 nor oci.

Examples:
  kgetplus export latest/node07/disk.img --format qcow2 --compress --to disk.qcow2
  kgetplus export latest/node07/disk.img --format oci --to disk-oci
  skopeo copy oci:disk-oci:latest docker://registry.example/vm/disk:1`;

interface ExportOptions extends StoreOption {
  readonly format: ExportFormat;
  readonly to: string;
  readonly compress: boolean;
  readonly force: boolean;
  readonly arch: string;
}

/** Declares `export`. */
export function addExport(program: Command, system: System): void {
  const command = program
    .command('export')
    .summary('write a snapshot as other programs want it')
    .description('Writes one snapshot of a store as a raw or qcow2 file, or as a containerDisk.')
    .argument('<snapshot>', 'RUN/NODE/NAME, each part a glob; RUN may be latest');
  addStoreOption(command)
    .addOption(
      new Option('--format <format>', 'what to make').choices(EXPORT_FORMATS).makeOptionMandatory(),
    )
    .requiredOption('--to <path>', 'file, or directory (oci), to make')
    .option('--compress', 'make the qcow2 file a compressed one; with oci, make it one', false)
    .option('--force', 'replace what is there', false)
    .option('--arch <name>', 'architecture of an oci image', architecture())
    .addHelpText('after', ABOUT)
    .action(async (selector: string, options: ExportOptions) => {
      await exportCommand(selector, options, system);
    });
}

async function exportCommand(
  selector: string,
  options: ExportOptions,
  system: System,
): Promise<void> {
  const place = storeAt(options, system);
  const snapshot = selectSnapshot(readCatalogue(place), { selectors: [selector] });
  const progress = byteProgress(system.stderr, system.clock);
  const path = resolve(options.to);
  using _use = useStore(place, 'export');
  await using chunks = readChunksOf(place, system);
  try {
    await exportSnapshot(snapshot, {
      path,
      format: options.format,
      compress: options.compress,
      force: options.force,
      architecture: options.arch,
      chunks,
      signal: system.interrupt,
      onBegin: (size) => progress.begin(`${snapshot.id} to ${path}`, size),
      onProgress: (bytes) => progress.done(bytes),
    });
  } finally {
    progress.end();
  }
  system.stdout.write(`${snapshot.id}\t${path}\n`);
}

/** Of this host, as Go names it. */
function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
