import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { VmSpec } from '../vm-spec.ts';

/** Bytes of a Unix socket's path (unix(7): 108 with the zero). */
const MAX_SOCKET_PATH_BYTES = 107;
const LONGEST_SOCKET = 'control.sock';

/** Where all lies that belongs to a machine. */
export interface Places {
  readonly directory: string;
  /** The machine exists if this is there. */
  readonly record: string;
  readonly pid: string;
  /** What QEMU has told of the machine since it was started last, a line of JSON an event. */
  readonly events: string;
  /** What QEMU has said on standard error. */
  readonly errors: string;
  /** How the machine ended, if QEMU's events do not tell. */
  readonly exit: string;
  /** There as long as the machine waits for a migration. */
  readonly incoming: string;
  /** There while a process of ours moves the machine to another host: which. */
  readonly moving: string;
  /** There once the machine has moved to another host. */
  readonly moved: string;
  /** There for a moment, while QEMU reads the keys for a migration. */
  readonly identity: string;
  readonly memory: string;
  /** There if `memory` is complete, and what the machine goes on from. */
  readonly suspended: string;
  /** There while the guest is frozen: until when. */
  readonly frozen: string;
  /** Which snapshot the dirty bitmaps belong to. */
  readonly snapshot: string;
  /** Of sockets; not in `directory` if its path is too long. */
  readonly sockets: string;
  /** QEMU's monitor, for calls. */
  readonly control: string;
  /** A second one, for looking at the machine and ending it, if the first one is in use or hangs. */
  readonly spare: string;
  /** Nobody connects here: it is there so that QEMU writes down its events. */
  readonly monitor: string;
  readonly agent: string;
  readonly nbd: string;
}

export function placesOf(root: string, name: string): Places {
  const directory = join(root, name);
  const sockets = socketsOf(directory);
  return {
    directory,
    record: join(directory, 'machine.json'),
    pid: join(directory, 'pid'),
    events: join(directory, 'events'),
    errors: join(directory, 'errors'),
    exit: join(directory, 'exit.json'),
    incoming: join(directory, 'incoming.json'),
    moving: join(directory, 'moving.json'),
    moved: join(directory, 'moved.json'),
    identity: join(directory, 'identity'),
    memory: join(directory, 'memory'),
    suspended: join(directory, 'suspended.json'),
    frozen: join(directory, 'frozen.json'),
    snapshot: join(directory, 'snapshot.json'),
    sockets,
    control: join(sockets, 'control.sock'),
    spare: join(sockets, 'spare.sock'),
    monitor: join(sockets, 'events.sock'),
    agent: join(sockets, 'agent.sock'),
    nbd: join(sockets, 'nbd.sock'),
  };
}

function socketsOf(directory: string): string {
  const longest = Buffer.byteLength(join(directory, LONGEST_SOCKET));
  if (longest <= MAX_SOCKET_PATH_BYTES) return directory;
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 24);
  return `/tmp/kgetplus-vm-${digest}`;
}

/** The nodes of a machine's disks in QEMU: names there have at most 31 characters. */
export const diskNode = (index: number): string => `disk${index}`;

/** A disk of the machine that snapshots are of. */
export interface OwnDisk {
  readonly name: string;
  readonly node: string;
}

export function ownDisks(spec: VmSpec): OwnDisk[] {
  const disks = spec.disks.map(({ name, access }, index) => ({
    name,
    access,
    node: diskNode(index),
  }));
  return disks.filter(({ access }) => access === 'copy-on-write');
}
