import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cpioArchive, type CpioEntry } from './cpio.ts';
import { GUEST_AGENT, GUEST_INIT } from './tiny-guest-scripts.ts';

const run = promisify(execFile);

const DISK_BYTES = 256 * 2 ** 20;
/** Changes with what is built, so that an older one is not used. */
const BUILD = 'tiny-guest-4';

const MODULES = [
  'virtio_pci',
  'virtio_blk',
  'virtio_console',
  'button',
  'evdev',
  'pvpanic-mmio',
  'pvpanic-pci',
];

/** A guest that needs 128 MiB and says what it does: see `GUEST_INIT`. */
export interface TinyGuest {
  readonly kernel: string;
  readonly initramfs: string;
  /** An empty ext4 file system of 256 MiB, raw. */
  readonly disk: string;
  readonly commandLine: string;
}

/**
 * Builds the guest from Debian's packages, once for all test runs, in KGETPLUS_TEST_CACHE or
 * ~/.cache/kgetplus-test. @throws Error if packages cannot be had
 */
export async function tinyGuest(): Promise<TinyGuest> {
  const cache = process.env['KGETPLUS_TEST_CACHE'] ?? join(homedir(), '.cache', 'kgetplus-test');
  const place = join(cache, BUILD);
  const guest = {
    kernel: join(place, 'vmlinuz'),
    initramfs: join(place, 'initramfs'),
    disk: join(place, 'disk.raw'),
    commandLine: 'console=ttyS0 quiet mitigations=off panic=-1',
  };
  if (globSync(place).length > 0) return guest;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'building-'));
  try {
    await build(work);
    // Another test file may have been faster: its guest is as good.
    await rename(join(work, 'guest'), place).catch(() => undefined);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return guest;
}

/** Why no guest can be built or run here; false if it can. */
export async function whyNoGuest(programs: readonly string[]): Promise<string | false> {
  for (const program of [...programs, 'apt-get', 'dpkg', 'mke2fs']) {
    const found = await run('sh', ['-c', `command -v ${program}`]).catch(() => undefined);
    if (found === undefined) return `${program} is not installed`;
  }
  if (process.arch !== 'x64') return 'the test guest is for x86_64';
  try {
    await tinyGuest();
  } catch (error) {
    return `the test guest cannot be built: ${String(error).slice(0, 200)}`;
  }
  return false;
}

async function build(work: string): Promise<void> {
  const { stdout } = await run('apt-cache', ['depends', 'linux-image-cloud-amd64']);
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (kernel === undefined) throw new Error('no kernel package found');
  await run('apt-get', ['download', kernel, 'busybox-static'], { cwd: work });
  for (const archive of globSync(join(work, '*.deb'))) await run('dpkg', ['-x', archive, work]);
  const guest = join(work, 'guest');
  await mkdir(guest);
  const [vmlinuz = ''] = globSync(join(work, 'boot/vmlinuz-*'));
  await rename(vmlinuz, join(guest, 'vmlinuz'));
  await writeFile(join(guest, 'initramfs'), cpioArchive(await initramfs(work)));
  const empty = join(work, 'empty');
  await mkdir(empty);
  const disk = join(guest, 'disk.raw');
  const features = ['-E', 'root_owner=0:0,lazy_itable_init=1', '-O', '^metadata_csum'];
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', empty, ...features, disk, `${DISK_BYTES >> 10}k`]);
}

function directory(path: string): CpioEntry {
  return { path, mode: 0o040_755, data: Buffer.of() };
}

function script(path: string, text: string): CpioEntry {
  return { path, mode: 0o100_755, data: Buffer.from(text) };
}

async function initramfs(work: string): Promise<CpioEntry[]> {
  const busybox = await readFile(join(work, 'bin/busybox'));
  return [
    ...['bin', 'dev', 'proc', 'sys', 'disk', 'modules', 'acpi', 'acpi/PWRF'].map(directory),
    { path: 'bin/busybox', mode: 0o100_755, data: busybox },
    script('init', GUEST_INIT),
    script('agent', GUEST_AGENT),
    script(
      'acpi/PWRF/00000080',
      '#!/bin/busybox sh\nexport PATH=/bin\nbusybox sync; exec busybox poweroff -f\n',
    ),
    ...(await kernelModules(work)),
  ];
}

/** The modules and what they need, each after what it needs: as `depends=` of each file has it. */
async function kernelModules(work: string): Promise<CpioEntry[]> {
  const found = new Map<string, CpioEntry>();
  const add = async (name: string): Promise<void> => {
    const file = name.replaceAll(/[-_]/g, '[-_]');
    const [path] = globSync(join(work, `lib/modules/*/kernel/**/${file}.ko`));
    if (path === undefined) throw new Error(`no module ${name} found`);
    const data = await readFile(path);
    const needed = /\0depends=([\w,-]+)\0/.exec(data.toString('latin1'))?.[1] ?? '';
    for (const other of needed.split(',')) if (other !== '') await add(other);
    const order = String(found.size).padStart(2, '0');
    if (!found.has(basename(path)))
      found.set(basename(path), {
        path: `modules/${order}-${basename(path)}`,
        mode: 0o100_644,
        data,
      });
  };
  for (const name of MODULES) await add(name);
  return [...found.values()];
}
