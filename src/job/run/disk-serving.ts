import { toFailure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { Host } from '../hosts/hosts.ts';
import type { JobPorts, ServedDisk } from './ports.ts';

/** Machines that read over NBD at once; further ones wait until the disk has come. */
const MAX_READERS = 256;

/** The disk of a job as this host gives it to machines, and who reads it. */
export interface DiskServing {
  /** Begins; if that cannot be done it is told, and nobody gets a URL. */
  begin(disk: DeployedFile, booting: readonly Host[]): Promise<void>;
  /** Where a machine reads it from now on; null if it cannot. */
  urlFor(vm: string): string | null;
  /** The machine reads it on its node. */
  switched(vm: string): void;
  readers(): number;
  /** Nobody reads it any more. Idempotent. */
  end(): Promise<void>;
}

export function diskServing(
  ports: Pick<JobPorts, 'serveDisk' | 'say'>,
  signal: AbortSignal,
): DiskServing {
  const readers = new Set<string>();
  let served: ServedDisk | undefined;

  function tellLost(): void {
    if (served === undefined || signal.aborted || readers.size === 0) return;
    ports.say(
      'The disk is not served any more: machines that want more of it wait until it has come',
    );
  }

  return {
    async begin(disk, booting) {
      try {
        served = await ports.serveDisk(disk, booting, signal);
        served.lost.addEventListener('abort', tellLost, { once: true });
      } catch (error) {
        const why = toFailure(error).message;
        ports.say(`Machines wait for their disk: it cannot be served: ${why}`);
      }
    },
    urlFor(vm) {
      if (served === undefined || served.lost.aborted || readers.size >= MAX_READERS) return null;
      readers.add(vm);
      return served.url;
    },
    switched: (vm) => void readers.delete(vm),
    readers: () => readers.size,
    async end() {
      readers.clear();
      const former = served;
      served = undefined;
      await former?.[Symbol.asyncDispose]();
    },
  };
}
