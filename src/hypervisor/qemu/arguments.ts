import { KgetError } from '../../base/error.ts';
import type { VmDisk, VmSpec } from '../vm-spec.ts';
import { baseOf, overlayOf, type MachineRecord } from './machine.ts';
import { diskNode, type Places } from './places.ts';

export const AGENT_PORT = 'org.qemu.guest_agent.0';

/** Characters of a virtio disk's serial (Linux, virtio_blk.h: VIRTIO_BLK_ID_BYTES). */
const MAX_SERIAL_CHARACTERS = 20;

/**
 * The board: the oldest that is supported here, so that memory fits on all hosts, whatever their
 * version of QEMU. QEMU keeps each for some six years (docs/about/deprecated.rst).
 */
export const MACHINE_TYPES = { x86_64: 'pc-q35-6.0', aarch64: 'virt-6.0' } as const;

export interface Launch {
  readonly record: MachineRecord;
  readonly places: Places;
  readonly accelerator: 'kvm' | 'tcg';
  /** Whether it waits for memory. */
  readonly from: 'start' | 'incoming';
}

/** How QEMU is called for a machine: with its processors stopped, and nothing that it has not. */
export function qemuArguments({ record, places, accelerator, from }: Launch): string[] {
  const { spec, machineType } = record;
  const cpu = accelerator === 'kvm' ? 'host' : 'max';
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-S'],
    ...['-name', `guest=${spec.name}`, '-pidfile', places.pid],
    ...['-machine', machineType, '-accel', accelerator, '-cpu', cpu],
    ...['-smp', `${spec.cpus}`, '-m', `size=${spec.memoryBytes}B`],
    ...(from === 'incoming' ? ['-incoming', 'defer'] : []),
    ...monitors(places),
    ...bootArguments(spec),
    ...spec.disks.flatMap((disk, index) => diskArguments({ record, places, disk, index })),
    ...consoleArguments(spec),
    ...channelArguments(spec, places),
    ...networkArguments(spec),
    ...['-device', 'virtio-rng-pci'],
    ...['-device', spec.arch === 'x86_64' ? 'pvpanic' : 'pvpanic-pci', '-action', 'panic=pause'],
  ];
}

function monitors({ control, spare, monitor, events }: Places): string[] {
  const socket = (id: string, path: string, more = ''): string[] => {
    const chardev = `socket,id=${id},path=${quoted(path)},server=on,wait=off${more}`;
    return ['-chardev', chardev, '-mon', `chardev=${id},mode=control`];
  };
  return [
    ...socket('control', control),
    ...socket('spare', spare),
    // What a monitor says goes into the log, even if nobody listens.
    ...socket('events', monitor, `,logfile=${quoted(events)},logappend=on`),
  ];
}

function bootArguments({ boot, arch }: VmSpec): string[] {
  if (boot.kind === 'disk') {
    // Debian: qemu-efi-aarch64. On x86_64 the board brings its own.
    return arch === 'aarch64' ? ['-bios', '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd'] : [];
  }
  const initramfs = boot.initramfs === null ? [] : ['-initrd', boot.initramfs];
  return ['-kernel', boot.kernel, ...initramfs, '-append', boot.commandLine];
}

interface DiskPlace {
  readonly record: MachineRecord;
  readonly places: Places;
  readonly disk: VmDisk;
  readonly index: number;
}

function diskArguments({ record, places, disk, index }: DiskPlace): string[] {
  if (disk.name.length > MAX_SERIAL_CHARACTERS) {
    const found = `"${disk.name}" has ${disk.name.length} characters`;
    throw new KgetError(
      'usage',
      `Cannot give the guest disk ${found}: ${MAX_SERIAL_CHARACTERS} wanted at most`,
    );
  }
  const node = diskNode(index);
  const blockdev = blockNode({ record, places, disk, index });
  const device = `virtio-blk-pci,id=device${index},drive=${node},serial=${disk.name}`;
  // A kernel that is given is booted first.
  const first = index === 0 && record.spec.boot.kind === 'disk' ? ',bootindex=0' : '';
  return ['-blockdev', JSON.stringify(blockdev), '-device', `${device}${first}`];
}

/** A disk as `blockdev-add` takes it. */
function blockNode({ record, places, disk, index }: DiskPlace): object {
  const node = diskNode(index);
  const file = (filename: string) => ({ driver: 'file', filename, discard: 'unmap' });
  if (disk.access !== 'copy-on-write') {
    const readOnly = disk.access === 'read-only';
    return {
      ...{ driver: disk.format, 'node-name': node, discard: 'unmap', 'read-only': readOnly },
      file: { ...file(disk.path), 'node-name': `${node}-file`, 'read-only': readOnly },
    };
  }
  const base = baseOf(record, disk);
  return {
    ...{ driver: 'qcow2', 'node-name': node, discard: 'unmap' },
    file: { ...file(overlayOf(places, record, disk.name)), 'node-name': `${node}-file` },
    backing: {
      ...{ driver: base.format, 'node-name': `${node}-base`, 'read-only': true },
      file: {
        'node-name': `${node}-base-file`,
        'read-only': true,
        ...(base.kind === 'file' ? file(base.path) : nbdNode(base.url)),
      },
    },
  };
}

/** @throws KgetError `usage` for what is no URL of an NBD export */
function nbdNode(text: string): object {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'nbd:' || url.hostname === '') {
    throw new KgetError('usage', `Cannot start a disk from "${text}": wanted nbd://HOST:PORT/NAME`);
  }
  const host = url.hostname.replaceAll(/[[\]]/g, '');
  return {
    driver: 'nbd',
    server: { type: 'inet', host, port: url.port === '' ? '10809' : url.port },
    export: decodeURIComponent(url.pathname.slice(1)),
    // Seconds for which reads wait, while the server is started again, say.
    'reconnect-delay': 60,
  };
}

/** The guest has the device in any case: memory fits whether or not somebody reads the console. */
function consoleArguments({ consolePath }: VmSpec): string[] {
  const chardev =
    consolePath === null
      ? 'null,id=console'
      : `file,id=console,path=${quoted(consolePath)},append=on`;
  return ['-chardev', chardev, '-serial', 'chardev:console'];
}

function channelArguments({ channels }: VmSpec, { agent }: Places): string[] {
  const ports = channels.flatMap((channel, index) => {
    const id = `channel${index}`;
    const [chardev, port] =
      channel.kind === 'file'
        ? [`file,id=${id},path=${quoted(channel.path)},append=on`, channel.name]
        : [`socket,id=${id},path=${quoted(agent)},server=on,wait=off`, AGENT_PORT];
    const device = `virtserialport,id=port${index},chardev=${id},name=${port}`;
    return ['-chardev', chardev, '-device', device];
  });
  return ['-device', 'virtio-serial-pci,id=serial0', ...ports];
}

function networkArguments({ network }: VmSpec): string[] {
  if (network === 'none') return [];
  // No boot ROM: it would have to be the same on all hosts.
  return ['-netdev', 'user,id=net0', '-device', 'virtio-net-pci,netdev=net0,romfile='];
}

/** A value among others that commas part. */
function quoted(value: string): string {
  return value.replaceAll(',', ',,');
}
