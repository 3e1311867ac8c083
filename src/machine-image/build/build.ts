import { chmodSync, copyFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import { appletsOf, obtainBusybox } from './busybox.ts';
import { makeDisk } from './disk.ts';
import { busyboxFiles, guestFiles, initPath, type GuestFile } from './guest-files.ts';
import { initramfs } from './initramfs.ts';
import { obtainKernel } from './kernel.ts';
import { neededModules } from './modules.ts';
import { checkAddedFiles, copyAddedFiles, writeGuestFiles } from './overlay.ts';
import type { Recipe } from './recipe.ts';
import type { ProgramContext } from './run-program.ts';
import { obtainTree } from './tree.ts';

/** What files that we make are dated, unless SOURCE_DATE_EPOCH says otherwise: 2025-01-01. */
const DEFAULT_EPOCH = 1_735_689_600;
const MAX_EPOCH = 2 ** 31 - 1;

/** Programs of administrators; ordinary users often do not have them in PATH. */
const SYSTEM_PATHS = '/usr/sbin:/sbin';

/** The console is the first serial port; a guest that panics does not wait for anybody. */
const COMMAND_LINE = {
  x86_64: 'console=ttyS0 quiet mitigations=off panic=-1',
  aarch64: 'console=ttyAMA0 quiet mitigations=off panic=-1',
} as const;

/** Below the work directory; all else there is removed. */
const IMAGE_DIRECTORY = 'image';

const HOST_ARCH: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

export interface BuildOptions {
  readonly recipe: Recipe;
  /** As it was written; images have it in them, so that they tell what they were made from. */
  readonly recipeText: string;
  /** What the recipe's paths are relative to. */
  readonly baseDirectory: string;
  /** An empty directory of the caller's, who removes it when the files have been taken from it. */
  readonly workDirectory: string;
  /** Downloaded packages are kept here, e.g. ~/.cache/kgetplus/packages; made if it is not there. */
  readonly packageDirectory: string;
  /** The environment of the programs that are run: at least PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Told what is being done, for people. */
  onStep(text: string): void;
}

/** A bootable image: `disk.qcow2`, `vmlinuz` and `initramfs` in `directory`. */
export interface BuiltImage {
  readonly directory: string;
  readonly name: string;
  readonly arch: 'x86_64' | 'aarch64';
  readonly format: 'qcow2';
  readonly virtualSizeBytes: number;
  readonly boot: { readonly kind: 'kernel'; readonly commandLine: string };
  readonly hasJobRunner: boolean;
}

/**
 * Builds an image without root privileges, with Debian's tools; see docs/recipes.md.
 * @throws KgetError `usage` (a program or a source is missing), `no-room`, `cancelled`, `timeout`
 */
export async function buildImage(options: BuildOptions): Promise<BuiltImage> {
  const { recipe, recipeText, baseDirectory, workDirectory, packageDirectory, onStep } = options;
  refuseForeign(recipe);
  const epoch = epochOf(options.environment['SOURCE_DATE_EPOCH']);
  const path = `${options.environment['PATH'] ?? ''}:${SYSTEM_PATHS}`;
  const context: ProgramContext = {
    environment: { ...options.environment, PATH: path },
    signal: options.signal,
    clock: options.clock,
  };
  const directory = join(workDirectory, IMAGE_DIRECTORY);
  await mkdir(directory);

  onStep(`files: ${describeSource(recipe)}`);
  checkAddedFiles(recipe.files, baseDirectory);
  const tree = await obtainTree(context, { recipe, baseDirectory, workDirectory, epoch });

  onStep('kernel and busybox');
  const kernel = await obtainKernel(context, { ...options, kernel: recipe.kernel });
  const busybox = await obtainBusybox(context, { workDirectory, packageDirectory });

  const overlay = join(workDirectory, 'overlay');
  await mkdir(overlay);
  chmodSync(overlay, 0o755);
  const applets = tree.kind === 'empty' ? await appletsOf(context, busybox) : [];
  const own = tree.kind === 'empty' ? busyboxFiles(applets) : resolver(recipe);
  const ours = guestFiles({ init: tree.init, busybox, recipeText });
  await writeGuestFiles(overlay, [...own, ...ours]);
  await copyAddedFiles({ directory: overlay, baseDirectory, files: recipe.files });

  onStep('disk');
  const { sizeBytes } = recipe;
  const target = join(directory, 'disk.qcow2');
  await makeDisk(context, { tree, workDirectory, epoch, sizeBytes, target });

  onStep('initramfs');
  const modules = neededModules(kernel.modules);
  const content = initramfs({ busybox, modules, init: initPath(tree.init) });
  await writeFile(join(directory, 'initramfs'), content);
  copyFileSync(kernel.vmlinuz, join(directory, 'vmlinuz'));
  await removeScratch(workDirectory);
  return {
    directory,
    name: recipe.name,
    arch: recipe.arch,
    format: 'qcow2',
    virtualSizeBytes: sizeBytes,
    boot: {
      kind: 'kernel',
      commandLine: `${COMMAND_LINE[recipe.arch]} ${recipe.commandLine}`.trim(),
    },
    hasJobRunner: true,
  };
}

/** Busybox and the packages that apt offers are for this machine. */
function refuseForeign({ name, arch }: Recipe): void {
  const here = HOST_ARCH[process.arch] ?? process.arch;
  if (arch === here) return;
  throw new KgetError(
    'usage',
    `Cannot build ${name} for ${arch}: this machine is ${here}, and images are built on one of ` +
      'their own architecture',
  );
}

function epochOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_EPOCH;
  const epoch = Number(text);
  if (/^\d+$/.test(text) && epoch <= MAX_EPOCH) return epoch;
  throw new KgetError(
    'usage',
    `Cannot read SOURCE_DATE_EPOCH: "${text}" found, wanted seconds since 1970 up to ${MAX_EPOCH}`,
  );
}

function describeSource({ from }: Recipe): string {
  if ('busybox' in from) return 'busybox';
  if ('directory' in from) return from.directory;
  if ('tar' in from) return from.tar;
  return `Debian ${from.debian.suite} (this takes minutes)`;
}

/** QEMU's user network has its name server there; mmdebstrap leaves this machine's. */
function resolver({ from }: Recipe): readonly GuestFile[] {
  if (!('debian' in from)) return [];
  return [{ kind: 'text', path: '/etc/resolv.conf', text: 'nameserver 10.0.2.3\n', mode: 0o644 }];
}

/** All but the image: what it was made from may be larger than it. */
async function removeScratch(workDirectory: string): Promise<void> {
  for (const name of await readdir(workDirectory)) {
    if (name !== IMAGE_DIRECTORY) await rm(join(workDirectory, name), { recursive: true });
  }
}
