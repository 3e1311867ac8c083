import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KgetError, systemCode } from '../../base/error.ts';
import type { VmSpec } from '../vm-spec.ts';
import { placesOf, type DriverContext } from './context.ts';
import { diskImage } from './disk-image.ts';
import { domainXml } from './domain-xml.ts';
import { isActive } from './domain-state.ts';
import { EMPTY_RECORD, type DomainRecord } from './record.ts';
import { formatXml, type XmlElement } from './xml.ts';

/** libvirt's daemon may run guests as another user, who must get through, and see nothing else. */
const DIRECTORY_MODE = 0o711;

export interface NewMachine {
  readonly spec: VmSpec;
  readonly record: Partial<DomainRecord>;
  /** Whether its copy-on-write disks are to be made, or lie there already. */
  readonly disks: 'new' | 'present';
  /** The domain, if not the one that follows from `spec`. */
  readonly xml?: XmlElement;
}

/** Makes a machine, and nothing if it throws. @throws KgetError `usage` if there is one */
export async function makeMachine(context: DriverContext, machine: NewMachine): Promise<void> {
  const { spec } = machine;
  if ((await context.domains.lookFor(spec.name)) !== undefined) {
    throw new KgetError('usage', `Cannot make machine "${spec.name}": libvirt has one already`);
  }
  const places = placesOf(context, spec.name);
  const record = { ...EMPTY_RECORD, spec, ...machine.record };
  const type = await context.domainType();
  const xml = machine.xml ?? domainXml({ spec, places, record, type });
  if (machine.disks === 'new') await makeDirectory(places.directory, spec.name);
  try {
    if (machine.disks === 'new') await makeOverlays(context, spec);
    await defineDomain(context, spec.name, xml);
  } catch (error) {
    if (machine.disks === 'new') await rm(places.directory, { recursive: true, force: true });
    throw error;
  }
}

/** Removes a machine; its disks, too, if they are its own. Idempotent. */
export async function removeMachine(context: DriverContext, name: string): Promise<void> {
  const { virsh, domains } = context;
  const domain = await domains.lookFor(name);
  if (domain === undefined) return;
  if (domain.record.spec === null) {
    const found = 'it was not made by kgetplus';
    const advice = `remove it with "virsh undefine ${name}"`;
    throw new KgetError('usage', `Cannot remove machine "${name}": ${found}; ${advice}`);
  }
  if (isActive(domain.raw)) await virsh.attempt(['destroy', name]);
  if (!domain.record.disksElsewhere) {
    const places = placesOf(context, name);
    await rm(places.directory, { recursive: true, force: true });
    await rm(places.socket('export'), { force: true });
    await rm(places.socket('map'), { force: true });
  }
  const belongings = [
    '--managed-save',
    '--snapshots-metadata',
    '--checkpoints-metadata',
    '--nvram',
  ];
  await virsh.run(['undefine', name, ...belongings]);
}

/** Gives libvirt a domain; the XML goes through a file, as command lines are bounded. */
async function defineDomain(context: DriverContext, name: string, xml: XmlElement): Promise<void> {
  await withXmlFile(context, `${name}.domain`, formatXml(xml), (path) =>
    context.virsh.run(['define', path, '--validate']),
  );
}

/** Calls `use` with a file of this text, which is removed afterwards. */
export async function withXmlFile<T>(
  context: DriverContext,
  title: string,
  text: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  await mkdir(context.root, { recursive: true, mode: DIRECTORY_MODE });
  const path = `${context.root}/.${title}.xml`;
  try {
    await writeFile(path, text, { mode: 0o600 });
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}

async function makeDirectory(directory: string, name: string): Promise<void> {
  await mkdir(dirname(directory), { recursive: true, mode: DIRECTORY_MODE });
  try {
    await mkdir(directory, { mode: DIRECTORY_MODE });
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause;
    const found = `${directory} is there, though libvirt has no such domain`;
    const advice = 'remove the directory if nothing uses it';
    throw new KgetError('usage', `Cannot make machine "${name}": ${found}; ${advice}`, { cause });
  }
}

async function makeOverlays(context: DriverContext, spec: VmSpec): Promise<void> {
  const places = placesOf(context, spec.name);
  for (const disk of spec.disks) {
    if (disk.access !== 'copy-on-write') {
      await stat(disk.path).catch((cause: unknown) => {
        const found = `there is no ${disk.path} for disk "${disk.name}"`;
        throw new KgetError('usage', `Cannot make machine "${spec.name}": ${found}`, { cause });
      });
      continue;
    }
    const { base } = disk;
    const from = base.kind === 'file' ? base.path : base.url;
    const backing = ['-F', base.format, '-b', from];
    const overlay = places.overlay(disk.name);
    await diskImage(context.clock, ['create', '-q', '-f', 'qcow2', ...backing, overlay]);
  }
}
