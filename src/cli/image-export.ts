import type { Command } from 'commander';
import { exportImage } from '../machine-image/export-image.ts';
import { findImage } from '../machine-image/find-image.ts';
import { useStore } from '../store/store-use.ts';
import { byteProgress } from './byte-progress.ts';
import { readChunksOf } from './chunk-reading.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
A path that ends in .qcow2, .img or .raw is a file: the disk alone, in that format. Any other is a
directory: disk, kernel and initramfs as the image has them, and image.json. All bytes are those
that were stored, and verified. After an interruption the same command continues.

Examples:
  kgetplus image export tiny --to /mnt/tiny/
  kgetplus image export debian:12 --to debian-12.qcow2`;

interface ExportOptions extends StoreOption {
  readonly to: string;
  readonly force: boolean;
  readonly json: boolean;
}

/** Declares `image export`. */
export function addImageExport(images: Command, system: System): void {
  const command = images
    .command('export')
    .summary('write the files of an image')
    .description('Writes the parts of an image to a directory, or its disk to a file.')
    .argument('<image>', 'NAME[:TAG], or the beginning of an id');
  addStoreOption(command)
    .requiredOption('--to <path>', 'directory, or file *.qcow2, *.img or *.raw')
    .option('--force', 'replace files that are there', false)
    .option('--json', 'print what was written as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (text: string, options: ExportOptions) => {
      await exportCommand(text, options, system);
    });
}

async function exportCommand(text: string, options: ExportOptions, system: System): Promise<void> {
  const place = storeAt(options, system);
  const stored = findImage(place, text);
  const progress = byteProgress(system.stderr, system.clock);
  using _use = useStore(place, 'export');
  await using chunks = readChunksOf(place, system);
  try {
    const files = await exportImage(stored, {
      to: options.to,
      force: options.force,
      chunks,
      signal: system.interrupt,
      onBegin: (path, sizeBytes) => progress.begin(path, sizeBytes),
      onProgress: (bytes) => progress.done(bytes),
    });
    progress.end();
    const { id, boot } = stored.image;
    if (options.json) system.stdout.write(`${JSON.stringify({ id, files }, undefined, 2)}\n`);
    else for (const { path } of files) system.stdout.write(`${path}\n`);
    if (files.length === 1 && boot.kind === 'kernel') {
      const note = 'it boots with a kernel of its own; export to a directory to have that, too';
      system.stderr.write(`kgetplus: only the disk was written: ${note}\n`);
    }
  } finally {
    progress.end();
  }
}
