import { Buffer } from 'node:buffer';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KgetError } from '../../base/error.ts';

/** A module of a kernel, and its file. */
export interface KernelModule {
  readonly name: string;
  readonly file: string;
}

/** Without these no disk or port is found; each is in the kernel, or one of its modules. */
const NEEDED = ['virtio_pci', 'virtio_blk', 'virtio_console', 'ext4'];
/** Loaded where there are: power button, network, a crash that the host sees, random numbers. */
const WELCOME = [
  'virtio_net',
  'button',
  'evdev',
  'pvpanic_pci',
  // Linux has one for each place where the device may be: this one finds that of x86.
  'pvpanic_mmio',
  'pvpanic',
  'qemu_fw_cfg',
  'virtio_rng',
  'virtio_balloon',
  'virtio_mmio',
  'crc32c_generic',
];

/** The lists of modules are files of a few hundred KiB. */
const BUILT_IN_LIST = 'modules.builtin';

/**
 * The modules that a guest needs to find its disks and ports, each behind those that it needs itself.
 * @param directory of the kernel's modules, `/lib/modules/VERSION`; null if all are in the kernel
 * @throws KgetError `usage` if one that is needed is not there
 */
export function neededModules(directory: string | null): readonly KernelModule[] {
  if (directory === null) return [];
  const files = new Map<string, string>();
  for (const file of globSync('**/*.ko{,.xz,.zst,.gz}', { cwd: directory })) {
    files.set(moduleName(file), join(directory, file));
  }
  const builtIn = new Set(readBuiltIn(directory).map(moduleName));
  const order = new Map<string, KernelModule>();
  const add = (name: string, isNeeded: boolean): void => {
    if (order.has(name) || builtIn.has(name)) return;
    const file = files.get(name);
    if (file === undefined) {
      if (isNeeded) throw missing(name, directory);
      return;
    }
    if (!file.endsWith('.ko')) throw compressed(file);
    for (const needed of dependencies(readFileSync(file))) add(needed, true);
    order.set(name, { name, file });
  };
  for (const name of NEEDED) add(name, true);
  for (const name of WELCOME) add(name, false);
  return [...order.values()];
}

/** What a module's `.modinfo` section says in `depends=`, see modinfo(8). */
function dependencies(module: Buffer): readonly string[] {
  const key = Buffer.from('\0depends=');
  const start = module.indexOf(key);
  if (start < 0) return [];
  const end = module.indexOf(0, start + key.length);
  const text = module.toString('latin1', start + key.length, end);
  return text.split(',').filter(Boolean).map(moduleName);
}

function readBuiltIn(directory: string): readonly string[] {
  try {
    return readFileSync(join(directory, BUILT_IN_LIST), 'utf8').split('\n').filter(Boolean);
  } catch (cause) {
    throw new KgetError(
      'usage',
      `Cannot use the kernel modules in ${directory}: ${String(cause)}`,
      {
        cause,
      },
    );
  }
}

/** `virtio_pci` of `kernel/drivers/virtio/virtio-pci.ko`: both characters mean the same. */
function moduleName(file: string): string {
  return basename(file)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

function missing(name: string, directory: string): KgetError {
  return new KgetError(
    'usage',
    `Cannot use the kernel modules in ${directory}: no ${name} there, nor in ${BUILT_IN_LIST}; ` +
      "wanted a kernel for virtual machines, e.g. Debian's linux-image-cloud-amd64",
  );
}

function compressed(file: string): KgetError {
  return new KgetError(
    'usage',
    `Cannot use the kernel module ${file}: it is compressed; unpack it (xz, zstd or gzip) beforehand`,
  );
}
