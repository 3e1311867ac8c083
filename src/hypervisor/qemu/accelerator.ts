import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Clock } from '../../base/clock.ts';
import { makeDirectory, replaceFile } from '../../content/durable.ts';
import type { VmSpec } from '../vm-spec.ts';

export type Accelerator = 'kvm' | 'tcg';

/** /dev/kvm may be there and hang: a guest of one instruction takes some 0.2 s where it does not. */
const PROBE_LIMIT_MS = 5000;
const SECTOR_BYTES = 512;

/** Resets the machine by its keyboard controller: mov al,0xfe; out 0x64,al; hlt; jmp to the hlt. */
const RESET = [0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd];
/** What ends a boot sector. */
const SIGNATURE = 0xaa55;

const known = z.object({ boot: z.string(), accelerator: z.enum(['kvm', 'tcg']) });

export interface ProbeOptions {
  /** The answer is kept there until the host boots again. */
  readonly directory: string;
  readonly clock: Clock;
  readonly arch: VmSpec['arch'];
  readonly program: string;
}

/** What runs guests' code here: `kvm` if it is there and works. */
export async function acceleratorOf(options: ProbeOptions): Promise<Accelerator> {
  const { directory } = options;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const path = join(directory, 'accelerator.json');
  if (existsSync(path)) {
    const found = known.safeParse(parseJson(readFileSync(path, 'utf8')));
    if (found.success && found.data.boot === boot) return found.data.accelerator;
  }
  const accelerator = (await kvmWorks(options)) ? 'kvm' : 'tcg';
  await makeDirectory(directory);
  await replaceFile(path, `${JSON.stringify({ boot, accelerator })}\n`);
  return accelerator;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function kvmWorks({ directory, clock, arch, program }: ProbeOptions): Promise<boolean> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  // The boot sector is x86's; elsewhere no /dev/kvm is known that hangs.
  if (arch !== 'x86_64') return true;
  await makeDirectory(directory);
  const work = await mkdtemp(join(directory, '.probe-'));
  try {
    const sector = Buffer.alloc(SECTOR_BYTES);
    sector.set(RESET);
    sector.writeUInt16LE(SIGNATURE, SECTOR_BYTES - 2);
    const disk = join(work, 'disk');
    await writeFile(disk, sector);
    return await bootsAndResets(program, disk, clock);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function bootsAndResets(program: string, disk: string, clock: Clock): Promise<boolean> {
  const node = { driver: 'raw', 'node-name': 'disk', file: { driver: 'file', filename: disk } };
  const words = [
    ['-accel', 'kvm', '-machine', 'q35', '-cpu', 'host', '-m', '16', '-display', 'none'],
    ['-nodefaults', '-no-user-config', '-no-reboot', '-blockdev', JSON.stringify(node)],
    ['-device', 'virtio-blk-pci,drive=disk,bootindex=0'],
  ].flat();
  const child = spawn(program, words, { stdio: 'ignore' });
  const over = new AbortController();
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve).once('error', () => resolve(null));
  });
  const late = clock.sleep(PROBE_LIMIT_MS, over.signal).then(() => null);
  try {
    return (await Promise.race([ended, late])) === 0;
  } finally {
    over.abort();
    child.kill('SIGKILL');
    await ended;
  }
}
