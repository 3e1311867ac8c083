import { Option, type Command } from 'commander';
import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import { parseImageName } from '../machine-image/image-name.ts';
import type { ImageSource } from '../machine-image/image-source.ts';
import { exportedSource } from '../machine-image/import/exported-source.ts';
import { type Arch, importSource } from '../machine-image/import/import-source.ts';
import type { DiskFormat } from '../machine-image/import/inspect-disk.ts';
import { collect } from './collect.ts';
import { storeAndTell, tagOf } from './image-storing.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
FILE is a qcow2 file or a raw disk, e.g. a cloud image that boots from its disk, and is stored byte
for byte. An image that boots with a kernel of its own is imported with that: --kernel, --initramfs
and --command-line. Jobs run only in images that have the job runner (docs/vmdeploy.md); say so with
--job-runner. FILE may also be a directory that image export has made, which tells all of that itself.
What was imported before is found, and adds nothing.

Examples:
  kgetplus image import debian-12-generic-amd64.qcow2 --name debian:12
  kgetplus image import root.img --kernel vmlinuz --command-line 'root=/dev/vda console=ttyS0'`;

interface ImportOptions extends StoreOption {
  readonly name?: string;
  readonly tag: readonly string[];
  readonly kernel?: string;
  readonly initramfs?: string;
  readonly commandLine?: string;
  readonly arch?: Arch;
  readonly format?: DiskFormat;
  readonly jobRunner: boolean;
  readonly json: boolean;
}

/** Declares `image import`. */
export function addImageImport(images: Command, system: System): void {
  const command = images
    .command('import')
    .summary('put a disk image into a store as a machine image')
    .description('Makes a machine image of a disk image that another program has made.')
    .argument('<file>', 'a qcow2 file, a raw disk, or an exported directory');
  addStoreOption(command)
    .option('--name <name>', 'NAME[:TAG] (default: the name of the file)')
    .option('--tag <tag>', 'another tag, TAG or NAME:TAG (several)', collect, [])
    .option('--kernel <file>', 'a Linux kernel that boots it')
    .option('--initramfs <file>', "the kernel's initramfs")
    .option('--command-line <words>', "the kernel's command line")
    .addOption(archOption())
    .addOption(
      new Option('--format <format>', 'of the disk (default: told by its header)').choices([
        'raw',
        'qcow2',
      ]),
    )
    .option('--job-runner', 'the image has the job runner', false)
    .option('--json', 'print the image as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (file: string, options: ImportOptions) => {
      const path = resolve(file);
      const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
      const source = isDirectory ? ofDirectory(path, options) : await ofFile(path, options);
      const { name, tag } = parseImageName(options.name ?? source.name);
      const tags = [{ name, tag }, ...options.tag.map((text) => tagOf(text, name))];
      const place = storeAt(options, system);
      await storeAndTell({ place, source, tags, json: options.json }, system);
    });
}

/** @throws KgetError `usage` for options about what the directory tells itself */
function ofDirectory(path: string, options: ImportOptions): ImageSource {
  const { kernel, initramfs, commandLine: line, arch, format, jobRunner } = options;
  const given = [kernel, initramfs, line, arch, format].some((it) => it !== undefined);
  if (!given && !jobRunner) return exportedSource(path);
  throw new KgetError(
    'usage',
    `Cannot import the directory ${path} with other parts: its image.json tells what it is; ` +
      'name its disk to make another image of that',
  );
}

function ofFile(path: string, options: ImportOptions): Promise<ImageSource> {
  const { kernel, initramfs, commandLine: line, arch, format, jobRunner } = options;
  return importSource({
    name: parseImageName(options.name ?? nameOf(path)).name,
    disk: path,
    format,
    arch,
    hostArch: process.arch === 'arm64' ? 'aarch64' : 'x86_64',
    kernel: kernel === undefined ? undefined : resolve(kernel),
    initramfs: initramfs === undefined ? undefined : resolve(initramfs),
    commandLine: line,
    hasJobRunner: jobRunner,
  });
}

function archOption(): Option {
  const text = "processors that it is for (default: the kernel's, else this host's)";
  return new Option('--arch <arch>', text).choices(['x86_64', 'aarch64']);
}

/** `debian-12.amd64.qcow2` is called debian-12.amd64. */
function nameOf(file: string): string {
  const stem = basename(file).replace(/\.(qcow2|qcow|img|raw)$/i, '');
  return stem
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
}
