import type { VmSpec } from '../vm-spec.ts';
import { diskArguments } from './disk-arguments.ts';
import type { MachineRecord } from './machine.ts';
import type { Places } from './places.ts';

const AGENT_PORT = 'org.qemu.guest_agent.0';

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
    ['-nodefaults', '-no-user-config', '-display', 'none', '-S'],
    ['-name', `guest=${spec.name}`, '-pidfile', places.pid],
    ['-machine', machineType, '-accel', accelerator, '-cpu', cpu],
    ['-smp', `${spec.cpus}`, '-m', `size=${spec.memoryBytes}B`],
    from === 'incoming' ? ['-incoming', 'defer'] : [],
    monitors(places),
    bootArguments(spec),
    spec.disks.flatMap((disk, index) => diskArguments({ record, places, disk, index })),
    consoleArguments(spec),
    channelArguments(spec, places),
    networkArguments(spec),
    ['-device', 'virtio-rng-pci'],
    [
      '-device',
      spec.arch === 'x86_64' ? 'pvpanic' : 'pvpanic-pci',
      '-action',
      'panic=pause,reboot=shutdown',
    ],
  ].flat();
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
