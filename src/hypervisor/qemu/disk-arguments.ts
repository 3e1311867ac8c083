import { KgetError } from '../../base/error.ts';
import type { VmDisk } from '../vm-spec.ts';
import { baseOf, overlayOf, type MachineRecord } from './machine.ts';
import { diskNode, type Places } from './places.ts';

/** Characters of a virtio disk's serial (Linux, virtio_blk.h: VIRTIO_BLK_ID_BYTES). */
const MAX_SERIAL_CHARACTERS = 20;

/** How long reads wait for an NBD server that is gone: then the machine stands still. */
export const RECONNECT_SECONDS = 10;

interface DiskPlace {
  readonly record: MachineRecord;
  readonly places: Places;
  readonly disk: VmDisk;
  readonly index: number;
}

/** A disk with its device. @throws KgetError `usage` for a name that is too long, or no URL */
export function diskArguments({ record, places, disk, index }: DiskPlace): string[] {
  if (disk.name.length > MAX_SERIAL_CHARACTERS) {
    const found = `"${disk.name}" has ${disk.name.length} characters`;
    throw new KgetError(
      'usage',
      `Cannot give the guest disk ${found}: ${MAX_SERIAL_CHARACTERS} wanted at most`,
    );
  }
  const node = diskNode(index);
  const blockdevs = blockNodes({ record, places, disk, index }).flatMap((it) => [
    '-blockdev',
    JSON.stringify(it),
  ]);
  const device = `virtio-blk-pci,id=device${index},drive=${node},serial=${disk.name}`;
  // What is not there now comes later: the guest waits, and is told of no error.
  const isRemote = disk.access === 'copy-on-write' && baseOf(record, disk).kind === 'nbd';
  const patience = isRemote ? ',rerror=stop,werror=stop' : '';
  // A kernel that is given is booted first.
  const first = index === 0 && record.spec.boot.kind === 'disk' ? ',bootindex=0' : '';
  return [...blockdevs, '-device', `${device}${patience}${first}`];
}

const file = (filename: string) => ({ driver: 'file', filename, discard: 'unmap' });

/** A disk as `blockdev-add` takes it, after what it needs. */
function blockNodes({ record, places, disk, index }: DiskPlace): object[] {
  const node = diskNode(index);
  if (disk.access !== 'copy-on-write') {
    const readOnly = disk.access === 'read-only';
    return [
      {
        driver: disk.format,
        'node-name': node,
        discard: 'unmap',
        'read-only': readOnly,
        file: { ...file(disk.path), 'node-name': `${node}-file`, 'read-only': readOnly },
      },
    ];
  }
  const base = baseNode(`${node}-base`, baseOf(record, disk));
  // By its name: else QEMU mixes in the base that the overlay itself names.
  const backing = `${node}-base`;
  return [base, { ...overlayNode(node, backing), file: overlayFile(record, places, disk, node) }];
}

function overlayFile(
  record: MachineRecord,
  places: Places,
  { name }: VmDisk,
  node: string,
): object {
  return { ...file(overlayOf(places, record, name)), 'node-name': `${node}-file` };
}

/** The node that a guest's copy-on-write disk is, without its file. */
export function overlayNode(node: string, backing: string): object {
  return { driver: 'qcow2', 'node-name': node, discard: 'unmap', backing };
}

/** What a copy-on-write disk starts from. */
export function baseNode(node: string, base: ReturnType<typeof baseOf>): object {
  return {
    driver: base.format,
    'node-name': node,
    'read-only': true,
    file: {
      'node-name': `${node}-file`,
      'read-only': true,
      ...(base.kind === 'file' ? file(base.path) : nbdNode(base.url)),
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
    'reconnect-delay': RECONNECT_SECONDS,
  };
}
