import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { basename, join } from 'node:path';

/** Drivers of network cards of virtual machines: the speeds that they name are made up. */
const VIRTUAL_DRIVERS: ReadonlySet<string> = new Set(['virtio_net', 'vmxnet3', 'hv_netvsc', 'vif']);

/** A VLAN upon a bridge upon a bond is three above the card. */
const MAX_LAYERS = 4;

const BYTES_PER_MEGABIT = 1e6 / 8;

/** What is looked at; a test has its own. */
export interface LinkSurroundings {
  /** Addresses of each network interface, but not of the loopback. */
  readonly interfaces: ReadonlyMap<string, readonly string[]>;
  /** As `/sys/class/net` of Linux. */
  readonly directory: string;
}

/**
 * Bytes per second of the network card behind `address`, one of this host's; without an address, of
 * the cards behind all its interfaces, if they agree. Null where that is not known, as with cards
 * that are none: of virtual machines and containers. Never throws.
 */
export function linkRate(
  address: string | null,
  { interfaces, directory }: LinkSurroundings = hostLinks(),
): number | null {
  const wanted = address?.replace(/%.*$/, '');
  const names = [...interfaces]
    .filter(([, addresses]) => wanted === undefined || addresses.includes(wanted))
    .map(([name]) => name);
  const megabits = new Set(names.map((name) => cardMegabits(directory, name, MAX_LAYERS)));
  megabits.delete(undefined);
  const [only] = megabits;
  return only === undefined || megabits.size > 1 ? null : only * BYTES_PER_MEGABIT;
}

function hostLinks(): LinkSurroundings {
  const interfaces = new Map<string, string[]>();
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    const addresses = entries.filter(({ internal }) => !internal).map((entry) => entry.address);
    // `eth0:1` is another address of `eth0`.
    const device = name.replace(/:.*$/, '');
    if (addresses.length > 0)
      interfaces.set(device, [...(interfaces.get(device) ?? []), ...addresses]);
  }
  return { interfaces, directory: '/sys/class/net' };
}

/**
 * Mbit/s of the card that an interface is, or of the fastest one below it: a bridge, a bond or a
 * VLAN is none itself, and one connection over it uses one card. See Linux'
 * Documentation/ABI/testing/sysfs-class-net.
 */
function cardMegabits(directory: string, name: string, layers: number): number | undefined {
  const place = join(directory, name);
  const driver = orNothing(() => basename(readlinkSync(join(place, 'device/driver'))));
  if (driver !== undefined) {
    if (VIRTUAL_DRIVERS.has(driver)) return undefined;
    const speed = Number(orNothing(() => readFileSync(join(place, 'speed'), 'utf8')));
    return speed > 0 ? speed : undefined;
  }
  if (layers === 1) return undefined;
  const below = (orNothing(() => readdirSync(place)) ?? [])
    .filter((entry) => entry.startsWith('lower_'))
    .map((entry) => cardMegabits(directory, entry.slice('lower_'.length), layers - 1))
    .filter((speed) => speed !== undefined);
  return below.length === 0 ? undefined : Math.max(...below);
}

/** Not every interface can tell its speed, and not every system has the directory. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
