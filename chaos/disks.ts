import { join } from 'node:path';

import { outputOf } from '../lab/gather.ts';
import type { Lab } from '../lab/lab.ts';
import { spoolOf } from './field.ts';
import type { Scenario } from './scenario.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

const MiB = 1024 * 1024;
/** Room for all images of a round, and for what a store needs besides. */
const TARGET_DISK_BYTES = 320 * MiB;
const SPOOL_DISK_BYTES = 64 * MiB;

/** The small file systems that the faults of a round fill. */
interface Disks extends AsyncDisposable {
  readonly spoolDisk: SmallDisk | undefined;
  readonly targetDisk: SmallDisk | undefined;
}

/** Mounts what the faults of a round fill, and fills it where it is full from the beginning. */
export async function mountDisks(
  lab: Lab,
  { faults }: Scenario,
  directory: string,
): Promise<Disks> {
  let spoolDisk: SmallDisk | undefined;
  let targetDisk: SmallDisk | undefined;
  const stack = new AsyncDisposableStack();
  try {
    for (const fault of faults) {
      if (fault.kind === 'full-target') {
        const file = join(directory, 'target.ext4');
        const mount = { directory: outputOf(lab), file, sizeBytes: TARGET_DISK_BYTES };
        targetDisk = stack.use(await mountSmallDisk(mount));
        if (fault.moment === 0) await targetDisk.fill(fault.freeBytes);
      } else if (fault.kind === 'full-spool') {
        const node = lab.host(fault.node);
        // What runs on a host sees the mounts that were there when it began.
        const restart = async (): Promise<void> => {
          await lab.killSshd(node);
          await lab.startSshd(node);
        };
        const file = join(directory, 'spool.ext4');
        const mount = { directory: spoolOf(node), file, sizeBytes: SPOOL_DISK_BYTES };
        stack.defer(restart);
        spoolDisk = stack.use(await mountSmallDisk(mount));
        await restart();
        if (fault.moment === 0) await spoolDisk.fill(fault.freeBytes);
      }
    }
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
  return { spoolDisk, targetDisk, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
