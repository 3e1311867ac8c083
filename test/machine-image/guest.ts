import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  INPUT_DISK,
  JOB_DISK,
  LOG_PORT,
  OUTPUT_DISK,
  STATUS_PORT,
} from '../../src/guest/protocol.ts';
import type { BuiltImage } from '../../src/machine-image/build/build.ts';

/** Emulation on a busy machine takes its time: a boot is about 6 s of processor time. */
const BOOT_LIMIT_MS = 180_000;
const ANSWER_LIMIT_MS = 60_000;
const POLL_MS = 20;
const OUTPUT_DISK_BYTES = 1024 ** 2;

export interface GuestJob {
  readonly command: string;
  readonly environment?: string;
  readonly timeLimit?: string;
  readonly outputs?: string;
  /** Text by name. */
  readonly inputs?: Readonly<Record<string, string>>;
}

/** A guest under emulation, with its job's disks and ports; ends with the test. */
export interface Guest extends AsyncDisposable {
  /** The lines on the status port, once `line` is among them. */
  status(line: RegExp): Promise<readonly string[]>;
  readLog(): string;
  readConsole(): string;
  /** What lies on the disk for outputs. */
  readonly outputDisk: string;
  agent(): Promise<GuestAgent>;
  /** Presses the power button; resolves when QEMU has ended. */
  powerDown(): Promise<void>;
}

export interface GuestAgent extends Disposable {
  ask(request: object): Promise<unknown>;
}

/** Why no guest can be built and booted here; false if it can. */
export function missingTools(): string | false {
  const tools = [
    'qemu-system-x86_64',
    'qemu-img',
    'mke2fs',
    'apt-get',
    'dpkg-deb',
    'fakeroot',
    'tar',
  ];
  const missing = tools.filter((it) => spawnSync('which', [it]).status !== 0);
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  if (process.arch !== 'x64') return 'the guests are x86_64';
  const isKnown = spawnSync('apt-get', ['--print-uris', 'download', 'busybox-static']).status === 0;
  return isKnown ? false : 'apt knows no busybox-static: apt-get update';
}

export async function bootGuest(
  image: BuiltImage,
  options: { readonly directory: string; readonly job: GuestJob; readonly memoryMiB?: number },
): Promise<Guest> {
  const { directory, job } = options;
  mkdirSync(directory, { recursive: true });
  const path = (name: string): string => join(directory, name);
  const outputDisk = path('output.raw');
  makeJobDisks(directory, job);
  const child = spawn('qemu-system-x86_64', machineWords(image, path, options.memoryMiB ?? 128), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const read = (name: string): string =>
    existsSync(path(name)) ? readFileSync(path(name), 'utf8') : '';
  const lines = (): readonly string[] => read('status').split('\n').filter(Boolean);
  return {
    outputDisk,
    status: async (line) => {
      await until(() => lines().some((it) => line.test(it)) || child.exitCode !== null, {
        limitMs: BOOT_LIMIT_MS,
        explain: () =>
          `no ${String(line)} in ${read('status')}\n${read('console')}\n${read('log')}`,
      });
      return lines();
    },
    readLog: () => read('log'),
    readConsole: () => read('console'),
    agent: () => openAgent(path('agent')),
    powerDown: async () => {
      const qmp = connect(path('qmp'));
      await once(qmp, 'connect');
      qmp.resume();
      qmp.write('{"execute":"qmp_capabilities"}{"execute":"system_powerdown"}');
      await until(() => child.exitCode !== null, {
        limitMs: ANSWER_LIMIT_MS,
        explain: () => `the guest does not power off: ${read('console')}`,
      });
      qmp.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

function makeJobDisks(directory: string, job: GuestJob): void {
  const { command, environment = '', timeLimit = '', outputs = '', inputs } = job;
  writeTree(join(directory, 'job'), { command, environment, 'time-limit': timeLimit, outputs });
  writeTree(join(directory, 'inputs'), inputs ?? {});
  pack(join(directory, 'job.raw'), directory, 'job');
  pack(join(directory, 'input.raw'), join(directory, 'inputs'), '.');
  writeFileSync(join(directory, 'output.raw'), '');
  truncateSync(join(directory, 'output.raw'), OUTPUT_DISK_BYTES);
}

function writeTree(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

function pack(archive: string, directory: string, name: string): void {
  const { status } = spawnSync('tar', ['--record-size=64K', '-cf', archive, '-C', directory, name]);
  if (status !== 0) throw new Error(`tar ended with ${status}`);
}

function machineWords(
  image: BuiltImage,
  path: (name: string) => string,
  memoryMiB: number,
): readonly string[] {
  const port = (name: string, id: string, chardev: string): readonly string[] => [
    '-chardev',
    `${chardev},id=${id},path=${path(id)}`,
    '-device',
    `virtserialport,chardev=${id},name=${name}`,
  ];
  const words = [
    '-machine q35 -accel tcg -smp 1 -nodefaults -display none -no-reboot',
    `-m ${memoryMiB} -serial file:${path('console')} -qmp unix:${path('qmp')},server=on,wait=off`,
    `-kernel ${join(image.directory, 'vmlinuz')} -initrd ${join(image.directory, 'initramfs')}`,
    '-device virtio-serial-pci -netdev user,id=net,restrict=on',
    '-device virtio-net-pci,netdev=net,romfile=',
  ];
  return [
    ...words.join(' ').split(' '),
    '-append',
    image.boot.commandLine,
    ...disk('root', `format=qcow2,snapshot=on,file=${join(image.directory, 'disk.qcow2')}`),
    ...disk(JOB_DISK, `format=raw,readonly=on,file=${path('job.raw')}`),
    ...disk(INPUT_DISK, `format=raw,readonly=on,file=${path('input.raw')}`),
    ...disk(OUTPUT_DISK, `format=raw,file=${path('output.raw')}`),
    ...port(STATUS_PORT, 'status', 'file'),
    ...port(LOG_PORT, 'log', 'file'),
    ...port('org.qemu.guest_agent.0', 'agent', 'socket,server=on,wait=off'),
  ];
}

function disk(serial: string, drive: string): readonly string[] {
  const device = `virtio-blk-pci,drive=${serial},serial=${serial}`;
  return ['-drive', `if=none,id=${serial},${drive}`, '-device', device];
}

/** Waits until a file or process is as wanted: neither tells by itself. */
async function until(
  condition: () => boolean,
  { limitMs, explain }: { readonly limitMs: number; readonly explain: () => string },
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(explain());
    await delay(POLL_MS);
  }
}

async function openAgent(path: string): Promise<GuestAgent> {
  const socket = connect(path);
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  return {
    ask: async (request) => {
      text = '';
      socket.write(`${JSON.stringify(request)}\n`);
      await answered(socket, () => text.includes('\n'));
      return JSON.parse(text.replace('\u00ff', '')) as unknown;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

async function answered(socket: Socket, isComplete: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  while (!isComplete()) await once(socket, 'data', { signal });
}
