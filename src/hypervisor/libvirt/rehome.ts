import { KgetError } from '../../base/error.ts';
import type { VmSpec } from '../vm-spec.ts';
import { diskPath, kernelElements } from './domain-xml.ts';
import type { MachinePlaces } from './places.ts';
import { domainUuid, recordElement, type DomainRecord } from './record.ts';
import { element, find, textOf, type XmlChild, type XmlElement } from './xml.ts';

export interface NewHome {
  readonly spec: VmSpec;
  readonly places: MachinePlaces;
  readonly record: DomainRecord;
}

/**
 * A domain as it is to go on elsewhere: the same devices at the same addresses, with the names and
 * files that `spec` has. What is saved of a machine fits no other.
 * @throws KgetError `corrupt` if the domain has a disk or channel that `spec` has not, or too few
 */
export function rehome(domain: XmlElement, home: NewHome): XmlElement {
  const { spec, record } = home;
  const devices = change(find(domain, 'devices'), (child) => rehomeDevice(child, home));
  const disks = devices.children.filter((it) => typeof it !== 'string' && it.name === 'disk');
  if (disks.length !== spec.disks.length) {
    throw unfit(spec.name, `it has ${disks.length} disks, wanted ${spec.disks.length}`);
  }
  return change(domain, (child) => {
    switch (child.name) {
      case 'name':
        return element('name', {}, [spec.name]);
      case 'uuid':
        return element('uuid', {}, [domainUuid(spec.name)]);
      case 'metadata':
        return element('metadata', {}, [recordElement(record)]);
      case 'os':
        return rehomeOs(child, spec);
      case 'devices':
        return devices;
      default:
        return child;
    }
  });
}

/** The element with each of its elements changed, or left out where that gives undefined. */
function change(
  parent: XmlElement | undefined,
  how: (child: XmlElement) => XmlElement | undefined,
): XmlElement {
  if (parent === undefined) throw unfit('a machine', 'it has no devices');
  const children = parent.children
    .map((child): XmlChild | undefined => (typeof child === 'string' ? child : how(child)))
    .filter((child) => child !== undefined);
  return { ...parent, children };
}

function rehomeOs(os: XmlElement, { boot }: VmSpec): XmlElement {
  const kept = change(os, (child) =>
    ['kernel', 'initrd', 'cmdline'].includes(child.name) ? undefined : child,
  );
  return { ...kept, children: [...kept.children, ...kernelElements(boot)] };
}

function rehomeDevice(device: XmlElement, { spec, places }: NewHome): XmlElement | undefined {
  switch (device.name) {
    case 'disk': {
      const name = textOf(find(device, 'serial'));
      const disk = spec.disks.find((it) => it.name === name);
      if (disk === undefined) throw unfit(spec.name, `it has a disk "${name}"`);
      return withSource(device, { file: diskPath(disk, places) });
    }
    case 'serial':
    case 'console':
      if (device.attributes['type'] !== 'file') return device;
      if (spec.consolePath === null) throw unfit(spec.name, 'it has a console');
      return withSource(device, { path: spec.consolePath, append: 'on' });
    case 'channel': {
      // libvirt makes the socket of the guest agent, for the name of the domain.
      if (device.attributes['type'] === 'unix') return withSource(device, undefined);
      const name = find(device, 'target')?.attributes['name'] ?? '';
      const channel = spec.channels.find((it) => it.kind === 'file' && it.name === name);
      if (channel?.kind !== 'file') throw unfit(spec.name, `it has a channel "${name}"`);
      return withSource(device, { path: channel.path, append: 'on' });
    }
    default:
      return device;
  }
}

function withSource(
  device: XmlElement,
  attributes: Readonly<Record<string, string>> | undefined,
): XmlElement {
  return change(device, (child) => {
    if (child.name === 'backingStore') return undefined;
    if (child.name !== 'source') return child;
    return attributes === undefined ? undefined : element('source', attributes);
  });
}

function unfit(name: string, found: string): KgetError {
  return new KgetError('corrupt', `Cannot make machine "${name}" of what was saved: ${found}`);
}
