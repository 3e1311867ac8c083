import * as z from 'zod/mini';
import { vmSpec, type VmDisk, type VmSpec } from '../vm-spec.ts';
import { AGENT_PORT } from './domain-xml.ts';
import { elements, find, textOf, type XmlElement } from './xml.ts';

/** Of https://libvirt.org/formatdomain.html#memory-allocation. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KB: 1000,
  k: 1024,
  KiB: 1024,
  MB: 1_000_000,
  M: 2 ** 20,
  MiB: 2 ** 20,
  GB: 1_000_000_000,
  G: 2 ** 30,
  GiB: 2 ** 30,
  T: 2 ** 40,
  TiB: 2 ** 40,
};

/**
 * What there is to know, for snapshots, of a domain that is not ours. Disks that it writes to count
 * as copy-on-write, so that snapshots are of them; they are called as the guest sees them: `vda`.
 * Undefined for what no machine of ours can be: no disk, another architecture, a name with spaces.
 */
export function foreignSpec(domain: XmlElement): VmSpec | undefined {
  const memory = find(domain, 'memory');
  const unit = UNIT_BYTES[memory?.attributes['unit'] ?? 'KiB'] ?? Number.NaN;
  const kernel = textOf(find(domain, 'os', 'kernel'));
  const initramfs = textOf(find(domain, 'os', 'initrd'));
  const parsed = z.safeParse(vmSpec, {
    name: textOf(find(domain, 'name')),
    arch: find(domain, 'os', 'type')?.attributes['arch'],
    cpus: Number(textOf(find(domain, 'vcpu'))),
    memoryBytes: Number(textOf(memory)) * unit,
    boot:
      kernel === ''
        ? { kind: 'disk' }
        : {
            kind: 'kernel',
            kernel,
            initramfs: initramfs === '' ? null : initramfs,
            commandLine: textOf(find(domain, 'os', 'cmdline')),
          },
    disks: elements(find(domain, 'devices'), 'disk').flatMap(foreignDisk),
    channels: elements(find(domain, 'devices'), 'channel').some(isAgent)
      ? [{ kind: 'guest-agent' }]
      : [],
    consolePath: null,
    network: elements(find(domain, 'devices'), 'interface').length === 0 ? 'none' : 'user',
  } satisfies Record<keyof VmSpec, unknown>);
  return parsed.success ? parsed.data : undefined;
}

function foreignDisk(disk: XmlElement): VmDisk[] {
  const source = find(disk, 'source')?.attributes;
  const path = source?.['file'] ?? source?.['dev'];
  const name = find(disk, 'target')?.attributes['dev'];
  const format = find(disk, 'driver')?.attributes['type'] === 'qcow2' ? 'qcow2' : 'raw';
  const isDisk = (disk.attributes['device'] ?? 'disk') === 'disk';
  if (!isDisk || path === undefined || name === undefined) return [];
  if (find(disk, 'readonly') !== undefined) return [{ name, access: 'read-only', path, format }];
  return [{ name, access: 'copy-on-write', base: { kind: 'file', path, format } }];
}

function isAgent(channel: XmlElement): boolean {
  return find(channel, 'target')?.attributes['name'] === AGENT_PORT;
}
