import { KgetError } from '../../base/error.ts';
import type { HypervisorFacts } from '../hypervisor.ts';
import type { DriverContext } from './context.ts';
import { confirmEntry } from './guest-user.ts';

/** The first libvirt in which backups, and migration of disks with them, do what they should. */
const MIN_VERSION = [7, 2] as const;

/** What there is at the daemon. @throws KgetError `unreachable`, `version`, `protocol` */
export async function probeLibvirt(context: DriverContext): Promise<HypervisorFacts> {
  const told = await context.virsh.run(['version', '--daemon']);
  const daemon = /^Running against daemon: (\d+)\.(\d+)\.(\d+)$/m.exec(told);
  const qemu = /^Running hypervisor: QEMU (\S+)$/m.exec(told);
  if (daemon === null || qemu === null) {
    const found = `it says ${JSON.stringify(told.slice(0, 200))}`;
    throw new KgetError('protocol', `Cannot use libvirt: ${found}, wanted one that runs QEMU`);
  }
  const [, major = '0', minor = '0', micro = '0'] = daemon;
  const [wantedMajor, wantedMinor] = MIN_VERSION;
  const isOld =
    Number(major) < wantedMajor || (Number(major) === wantedMajor && Number(minor) < wantedMinor);
  if (isOld) {
    const found = `${major}.${minor}.${micro} found, ${MIN_VERSION.join('.')} wanted`;
    throw new KgetError('version', `Cannot use libvirt: ${found}`);
  }
  await confirmEntry(context);
  const node = await context.virsh.run(['nodeinfo']);
  const arch = /^CPU model:\s+(\S+)$/m.exec(node)?.[1] ?? 'unknown';
  const accelerator = (await context.domainType()) === 'kvm' ? 'kvm' : 'tcg';
  return {
    version: `libvirt ${major}.${minor}.${micro}, QEMU ${qemu[1] ?? ''}`,
    accelerator,
    arch,
  };
}
