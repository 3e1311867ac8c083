import { chmodSync, mkdirSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { runTool } from '../lab/tools.ts';

const FILLER = '.filler';

/** A small file system of its own, in a file; `mkfs.ext4` and `mount` make it. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted, as the machine sees it. */
  readonly directory: string;
  /** Takes room until only so much is left. */
  fill(freeBytes: number): Promise<void>;
  /** Gives it back. */
  makeRoom(): void;
}

/** Mounts a new file system of `sizeBytes` on `directory`, which is made if need be. */
export async function mountSmallDisk(options: {
  readonly directory: string;
  /** The file that holds it. */
  readonly file: string;
  readonly sizeBytes: number;
}): Promise<SmallDisk> {
  const { directory, file, sizeBytes } = options;
  writeFileSync(file, '');
  truncateSync(file, sizeBytes);
  // No reserve for root, and no inode tables and journal to speak of.
  await runTool(['mkfs.ext4', '-q', '-F', '-m', '0', '-N', '4096', '-J', 'size=4', file]);
  mkdirSync(directory, { recursive: true });
  await runTool(['mount', '-o', 'loop', file, directory]);
  rmdirSync(join(directory, 'lost+found'));
  chmodSync(directory, 0o700);
  const filler = join(directory, FILLER);
  return {
    directory,
    async fill(freeBytes) {
      const { bavail, bsize } = statfsSync(directory);
      const wanted = bavail * bsize - freeBytes;
      // It is meant to leave hardly any room: that others were quicker does not matter.
      if (wanted > 0) await runTool(['fallocate', '-l', String(wanted), filler]).catch(() => {});
    },
    makeRoom: () => rmSync(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      await runTool(['umount', '-l', directory]);
      rmSync(file, { force: true });
    },
  };
}
