import { readFileSync } from 'node:fs';
import { constants, gzipSync } from 'node:zlib';
import { INPUT_DISK, JOB_DISK, OUTPUT_DISK } from '../../guest/protocol.ts';
import { cpioArchive, type CpioEntry } from './cpio.ts';
import type { KernelModule } from './modules.ts';

/** How long the root disk may take to appear: 200 times 50 ms. */
const ROOT_ROUNDS = 200;

export interface InitramfsContent {
  /** The file of a static busybox. */
  readonly busybox: string;
  /** In the order in which they are loaded. */
  readonly modules: readonly KernelModule[];
  /** What it hands over to, in the guest. */
  readonly init: string;
}

/** What the kernel boots first: loads modules, mounts the root disk, and hands over. */
export function initramfs({ busybox, modules, init }: InitramfsContent): Buffer {
  const entries: readonly CpioEntry[] = [
    ...['bin', 'dev', 'modules', 'proc', 'root', 'sys'].map((name): CpioEntry => ({
      kind: 'directory',
      name,
    })),
    { kind: 'character-device', name: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', name: 'bin/busybox', data: readFileSync(busybox), mode: 0o755 },
    { kind: 'file', name: 'init', data: Buffer.from(initScript(modules, init)), mode: 0o755 },
    ...modules.map(({ name, file }): CpioEntry => ({
      kind: 'file',
      name: `modules/${name}.ko`,
      data: readFileSync(file),
      mode: 0o644,
    })),
  ];
  return gzipSync(cpioArchive(entries), { level: constants.Z_BEST_COMPRESSION });
}

/** The root disk is the first one that is not one of a job's. */
function initScript(modules: readonly KernelModule[], init: string): string {
  return `#!/bin/busybox sh
# With /proc, the shell finds its applets by itself.
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in ${modules.map(({ name }) => name).join(' ')}; do
  insmod /modules/$module.ko || echo "kgetplus: cannot load $module"
done

find_root() {
  for entry in /sys/block/vd*; do
    serial=
    [ -r "$entry/serial" ] || continue
    read -r serial <"$entry/serial"
    case $serial in ${[JOB_DISK, INPUT_DISK, OUTPUT_DISK].join(' | ')}) continue ;; esac
    root=/dev/\${entry##*/}
    return
  done
  return 1
}

give_up() {
  echo "kgetplus: $*"
  # Ends process 1, and so the kernel panics, which the host sees.
  exit 1
}

round=0
until find_root; do
  [ $round -ge ${ROOT_ROUNDS} ] && give_up 'no root disk found'
  usleep 50000
  round=$((round + 1))
done
mount -t ext4 -o noatime "$root" /root || give_up "cannot mount $root"
mount --move /dev /root/dev
mount --move /sys /root/sys
mount --move /proc /root/proc
exec /bin/busybox switch_root /root ${init}
give_up 'cannot start ${init}'
`;
}
