import { join } from 'node:path';
import { KgetError } from '../../base/error.ts';
import { formatSize } from '../../base/units.ts';
import { settleTimes } from './ext4-times.ts';
import { runProgram, type ProgramContext } from './run-program.ts';
import type { Tree } from './tree.ts';

const FILL_LIMIT_MS = 3_600_000;

/** All images have them, so that equal files give equal images; guests do not look at them. */
const FILE_SYSTEM_ID = '6b676574-706c-4573-8000-000000000001';

/**
 * Of the size of a chunk, so that what a disk has in common with others, raw or qcow2, is found by
 * the digests of chunks.
 */
const QCOW2_CLUSTER = '128K';

/**
 * Owners are in the hands of one session, since fakeroot forgets them at its end. Tables of inodes are
 * zero from the start: a guest that had to do that would dirty its disk for every snapshot.
 */
const SCRIPT = `
set -e
kind=$1 source=$2 work=$3 epoch=$4 id=$5 mebibytes=$6
tree=$work/tree
: >"$work/start"
mkdir "$tree"
case $kind in
  directory) cp -a -- "$source/." "$tree" ;;
  tar) tar --numeric-owner -xpf "$source" -C "$tree" ;;
esac
tar -C "$work/overlay" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" \\
  -cf "$work/overlay.tar" .
tar --keep-directory-symlink --no-overwrite-dir -xpf "$work/overlay.tar" -C "$tree"
find "$tree" -newer "$work/start" -exec touch -h -d "@$epoch" '{}' +
exec mke2fs -q -t ext4 -b 4096 -I 256 -m 1 -U "$id" -O ^metadata_csum,uninit_bg \\
  -E root_owner=0:0,hash_seed="$id",lazy_itable_init=0 -d "$tree" -F "$work/disk.raw" "\${mebibytes}M"
`;

export interface DiskOptions {
  readonly tree: Tree;
  /** With the files to add in its directory `overlay`. */
  readonly workDirectory: string;
  readonly epoch: number;
  readonly sizeBytes: number;
  /** A qcow2 file is written there. */
  readonly target: string;
}

/**
 * Makes a disk with one ext4 file system, and no partitions, of a tree and an overlay.
 * @throws KgetError `usage` if a program is missing, `no-room` if the files do not fit
 */
export async function makeDisk(context: ProgramContext, options: DiskOptions): Promise<void> {
  const { tree, workDirectory, epoch, sizeBytes, target } = options;
  const mebibytes = String(sizeBytes / 1024 ** 2);
  const source = tree.kind === 'empty' ? '' : tree.path;
  const isRoot = process.getuid?.() === 0;
  const session = isRoot ? (['sh', '-c'] as const) : (['fakeroot', '--', 'sh', '-c'] as const);
  const settings = [workDirectory, String(epoch), FILE_SYSTEM_ID, mebibytes];
  try {
    await runProgram(context, {
      purpose: 'make the file system',
      words: [...session, SCRIPT, 'sh', tree.kind, source, ...settings],
      package: isRoot ? 'dash' : 'fakeroot',
      limitMs: FILL_LIMIT_MS,
      environment: { E2FSPROGS_FAKE_TIME: String(epoch) },
    });
  } catch (cause) {
    throw withAdvice(cause, sizeBytes);
  }
  const raw = join(workDirectory, 'disk.raw');
  await settleTimes(raw);
  const layout = ['-o', `cluster_size=${QCOW2_CLUSTER}`];
  await runProgram(context, {
    purpose: 'convert the disk',
    words: ['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', ...layout, raw, target],
    package: 'qemu-utils',
    limitMs: FILL_LIMIT_MS,
  });
}

/** The shell says of a program only that it is not found. */
function withAdvice(cause: unknown, sizeBytes: number): unknown {
  if (!(cause instanceof KgetError)) return cause;
  if (/mke2fs: not found/.test(cause.message)) {
    return new KgetError('usage', `${cause.message}; install it (Debian: e2fsprogs)`, { cause });
  }
  if (cause.code === 'no-room') {
    const advice = `the disk has ${formatSize(sizeBytes)}: raise size in the recipe, or make room`;
    return new KgetError('no-room', `${cause.message}; ${advice}`, { cause });
  }
  return cause;
}
