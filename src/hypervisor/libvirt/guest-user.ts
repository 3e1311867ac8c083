import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KgetError } from '../../base/error.ts';
import type { DriverContext } from './context.ts';
import { parseXml } from './parse-xml.ts';
import { elements, find, textOf } from './xml.ts';

const OWNER_ENTERS = 0o100;
const GROUP_ENTERS = 0o010;
const OTHERS_ENTER = 0o001;

interface GuestUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Confirms that libvirt's guests, which may run as a user of their own, get to the driver's
 * directory: libvirt would say so when the first one is started, or copied.
 * @throws KgetError `unreachable`
 */
export async function confirmEntry({ virsh, root }: DriverContext): Promise<void> {
  const user = guestUser(await virsh.run(['capabilities']));
  if (user === undefined || user.uid === 0) return;
  for (const directory of directoriesTo(root)) {
    const found = await stat(directory).catch(() => undefined);
    // The driver makes it so that all get through.
    if (found === undefined) return;
    if (mayEnter(user, found)) continue;
    const mode = (found.mode & 0o777).toString(8);
    throw new KgetError(
      'unreachable',
      `Cannot have libvirt run machines in ${root}: its guests run as user ${user.uid}, who cannot ` +
        `get through ${directory} (mode ${mode}); set user and group to "root" in ` +
        '/etc/libvirt/qemu.conf and restart libvirtd',
    );
  }
}

/**
 * Undefined if libvirt does not change users. Source of the format, which is no schema's:
 * `virSecurityDACGetBaseLabel` of libvirt.
 */
function guestUser(capabilities: string): GuestUser | undefined {
  const models = elements(find(parseXml(capabilities), 'host'), 'secmodel');
  const dac = models.find((it) => textOf(find(it, 'model')) === 'dac');
  const label = elements(dac, 'baselabel').find(({ attributes }) => attributes['type'] === 'qemu');
  const [, uid, gid] = /^\+(\d+):\+(\d+)$/.exec(textOf(label)) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** From the root directory to this one. */
function directoriesTo(directory: string): readonly string[] {
  const above = dirname(directory);
  return above === directory ? [directory] : [...directoriesTo(above), directory];
}

function mayEnter(user: GuestUser, found: { uid: number; gid: number; mode: number }): boolean {
  if (found.uid === user.uid) return (found.mode & OWNER_ENTERS) !== 0;
  if (found.gid === user.gid) return (found.mode & GROUP_ENTERS) !== 0;
  return (found.mode & OTHERS_ENTER) !== 0;
}
