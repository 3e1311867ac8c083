import type { VmDisk, VmSpec } from '../vm-spec.ts';
import type { MachinePlaces } from './places.ts';
import { domainUuid, recordElement, type DomainRecord } from './record.ts';
import { element, type XmlElement } from './xml.ts';

export const AGENT_PORT = 'org.qemu.guest_agent.0';

export interface DomainParts {
  readonly spec: VmSpec;
  readonly places: MachinePlaces;
  readonly record: DomainRecord;
  /** libvirt's word for what runs the guest's code: `qemu` is emulation. */
  readonly type: 'kvm' | 'qemu';
}

/** A domain for libvirt: https://libvirt.org/formatdomain.html. The rest libvirt adds. */
export function domainXml({ spec, places, record, type }: DomainParts): XmlElement {
  const { name, arch, cpus, memoryBytes } = spec;
  return element('domain', { type }, [
    text('name', name),
    text('uuid', domainUuid(name)),
    element('metadata', {}, [recordElement(record)]),
    element('memory', { unit: 'b' }, [String(memoryBytes)]),
    text('vcpu', String(cpus)),
    osElement(spec),
    element('features', {}, [element('acpi'), arch === 'x86_64' ? element('apic') : undefined]),
    cpuElement(arch, type),
    element('clock', { offset: 'utc' }),
    text('on_poweroff', 'destroy'),
    text('on_reboot', 'restart'),
    // A panic is to be seen, and the machine to be looked into.
    text('on_crash', 'preserve'),
    element('devices', {}, [
      ...spec.disks.map((disk, index) => diskElement(disk, index, places)),
      element('controller', { type: 'usb', model: 'none' }),
      consoleElement(spec),
      ...channelElements(spec),
      spec.network === 'user'
        ? element('interface', { type: 'user' }, [element('model', { type: 'virtio' })])
        : undefined,
      // libvirt 9 has pvpanic for ISA alone.
      arch === 'x86_64' ? element('panic', { model: 'isa' }) : undefined,
      element('memballoon', { model: 'none' }),
      element('video', {}, [element('model', { type: 'none' })]),
    ]),
  ]);
}

/** The file of a disk. */
export function diskPath(disk: VmDisk, places: MachinePlaces): string {
  return disk.access === 'copy-on-write' ? places.overlay(disk.name) : disk.path;
}

function osElement({ arch, boot }: VmSpec): XmlElement {
  const machine = arch === 'x86_64' ? 'q35' : 'virt';
  const type = element('type', { arch, machine }, ['hvm']);
  if (boot.kind === 'disk') {
    const firmware = arch === 'x86_64' ? undefined : 'efi';
    return element('os', { firmware }, [type, element('boot', { dev: 'hd' })]);
  }
  return element('os', {}, [type, ...kernelElements(boot)]);
}

/** What the machine starts from, if that is a kernel. */
export function kernelElements(boot: VmSpec['boot']): readonly XmlElement[] {
  if (boot.kind === 'disk') return [];
  return [
    element('kernel', {}, [boot.kernel]),
    ...(boot.initramfs === null ? [] : [element('initrd', {}, [boot.initramfs])]),
    element('cmdline', {}, [boot.commandLine]),
  ];
}

/** Emulated x86 processors are libvirt's default; with KVM they are what all of a model have. */
function cpuElement(arch: VmSpec['arch'], type: 'kvm' | 'qemu'): XmlElement | undefined {
  if (type === 'kvm') {
    return element('cpu', { mode: arch === 'x86_64' ? 'host-model' : 'host-passthrough' });
  }
  return arch === 'x86_64' ? undefined : element('cpu', { mode: 'maximum' });
}

function diskElement(disk: VmDisk, index: number, places: MachinePlaces): XmlElement {
  const type = disk.access === 'copy-on-write' ? 'qcow2' : disk.format;
  return element('disk', { type: 'file', device: 'disk' }, [
    element('driver', { name: 'qemu', type, discard: 'unmap' }),
    element('source', { file: diskPath(disk, places) }),
    element('target', { dev: `vd${String.fromCodePoint(97 + index)}`, bus: 'virtio' }),
    disk.access === 'read-only' ? element('readonly') : undefined,
    element('serial', {}, [disk.name]),
  ]);
}

function consoleElement({ consolePath }: VmSpec): XmlElement | undefined {
  if (consolePath === null) return undefined;
  return element('serial', { type: 'file' }, [
    element('source', { path: consolePath, append: 'on' }),
    element('target', { port: '0' }),
  ]);
}

function channelElements({ channels }: VmSpec): readonly XmlElement[] {
  return channels.map((channel) =>
    channel.kind === 'guest-agent'
      ? element('channel', { type: 'unix' }, [
          element('target', { type: 'virtio', name: AGENT_PORT }),
        ])
      : element('channel', { type: 'file' }, [
          element('source', { path: channel.path, append: 'on' }),
          element('target', { type: 'virtio', name: channel.name }),
        ]),
  );
}

function text(tag: string, words: string): XmlElement {
  return element(tag, {}, [words]);
}
