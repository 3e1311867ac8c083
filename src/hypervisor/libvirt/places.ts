import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { KgetError } from '../../base/error.ts';

/** sun_path of Linux holds 108 bytes, with the zero at the end. */
const MAX_SOCKET_PATH_BYTES = 107;

/** Where what belongs to a machine lies. */
export interface MachinePlaces {
  readonly directory: string;
  overlay(disk: string): string;
  /** A socket for NBD. @throws KgetError `usage` if the path is too long for one */
  socket(purpose: string): string;
  scratch(disk: string): string;
  /** A copy of the saved memory, while it is restored. */
  readonly memory: string;
}

/** The places of a machine below the directory of the driver. */
export function machinePlaces(root: string, machine: string): MachinePlaces {
  const directory = join(root, machine);
  return {
    directory,
    overlay: (disk) => join(directory, `${disk}.qcow2`),
    socket: (purpose) => {
      // Names of machines and disks may be long: eight digits of a hash are enough for one host.
      const digits = createHash('sha256').update(`${machine}/${purpose}`).digest('hex').slice(0, 8);
      const path = join(root, `nbd-${digits}`);
      if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
      const limit = `wanted at most ${MAX_SOCKET_PATH_BYTES} bytes`;
      throw new KgetError(
        'usage',
        `Cannot make a socket at "${path}": ${limit}; use a shorter one`,
      );
    },
    scratch: (disk) => join(directory, `${disk}.scratch`),
    memory: join(directory, 'memory.restored'),
  };
}
