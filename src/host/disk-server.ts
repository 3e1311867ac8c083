import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import { openBlobIndex, type BlobIndex } from '../content/blob-index.ts';
import type { RequestOf, ResultOf } from '../control/calls.ts';
import type { HostCalls } from '../control/host-calls.ts';
import { createChunkCache } from '../nbd/chunk-cache.ts';
import type { Disk, Exports } from '../nbd/disk.ts';
import { serveNbd, type NbdServer } from '../nbd/serve-nbd.ts';
import { snapshotDisk } from '../nbd/snapshot-disk.ts';
import { chunkFiles } from '../store/chunk-files.ts';
import { storePlace } from '../store/store-place.ts';
import { boundedNotices } from '../transfer/notices.ts';

/** Disks that one agent serves. */
const MAX_DISKS = 16;
/** Chunks kept in memory for each store: machines that boot at once read the same ones. */
const CACHE_BYTES = 256 * 2 ** 20;
/** Digests that are hashed at once. */
const BATCH = 32_768;
/** A client can provoke as many as it likes. */
const NOTICES_PER_MINUTE = 60;
/** More machines than a job boots so, each with few bytes on the way. */
const LIMITS = { connections: 1024, bytesInFlight: 2 * 2 ** 20 };

type ServedDisk = ResultOf<HostCalls, 'serve-disk'>;

/** Disks of stores that machines on other hosts read over NBD. */
export interface DiskServer {
  /** Idempotent. @throws KgetError `usage`, `corrupt`, `source-unreadable`, `unreachable` */
  serve(stored: RequestOf<HostCalls, 'serve-disk'>): Promise<ServedDisk>;
  /** Ends all connections. Idempotent. */
  close(): Promise<void>;
}

/** Listens from the first disk on. Names of exports are secrets, and are not listed to anybody. */
export function createDiskServer(options: {
  readonly clock: Clock;
  onNotice(text: string): void;
}): DiskServer {
  const { clock, onNotice } = options;
  /** By name of the export. */
  const disks = new Map<string, Disk>();
  /** By digest of the file. */
  const served = new Map<string, Promise<string>>();
  const indexes = new Set<BlobIndex>();
  let server: Promise<NbdServer> | undefined;

  function begin(): Promise<NbdServer> {
    const exports: Exports = {
      names: () => [...disks.keys()],
      areHidden: true,
      open: async (name) => disks.get(name),
    };
    const notices = boundedNotices({
      perMinute: NOTICES_PER_MINUTE,
      nowMs: () => clock.nowMs(),
      onNotice,
    });
    return listenAnywhere((host) =>
      serveNbd({
        listen: { kind: 'tcp', host, port: 0 },
        exports,
        limits: LIMITS,
        onNotice: notices,
      }),
    );
  }

  async function open({ file, store, indexPath }: RequestOf<HostCalls, 'serve-disk'>) {
    const index = await openBlobIndex(indexPath);
    indexes.add(index);
    confirmIsFile(index, { file, indexPath });
    const cache = createChunkCache({
      chunks: chunkFiles(storePlace(store)),
      maxBytes: CACHE_BYTES,
    });
    const name = `${file.digest.slice(0, 12)}-${randomBytes(16).toString('hex')}`;
    disks.set(name, snapshotDisk({ index, cache }));
    return name;
  }

  return {
    async serve(stored) {
      const { digest } = stored.file;
      const known = served.get(digest);
      if (known === undefined && served.size === MAX_DISKS) {
        const found = `${MAX_DISKS} are served, which is the limit`;
        throw new KgetError('usage', `Cannot serve another disk: ${found}; start another command`);
      }
      const opening = known ?? open(stored);
      served.set(digest, opening);
      opening.catch(() => served.delete(digest));
      server ??= begin();
      server.catch(() => (server = undefined));
      const exportName = await opening;
      const { address } = await server;
      if (address.kind !== 'tcp') throw new KgetError('internal', 'Disks are served over TCP');
      return { port: address.port, exportName };
    },
    async close() {
      await (await server?.catch(() => undefined))?.close();
      for (const index of indexes) index.close();
      indexes.clear();
    },
  };
}

/** On all addresses: of both families, if the system has both. */
async function listenAnywhere(listen: (host: string) => Promise<NbdServer>): Promise<NbdServer> {
  try {
    return await listen('::');
  } catch {
    return await listen('0.0.0.0');
  }
}

/** @throws KgetError `corrupt`: nobody behind us checks what is read */
function confirmIsFile(
  index: BlobIndex,
  { file, indexPath }: Pick<RequestOf<HostCalls, 'serve-disk'>, 'file' | 'indexPath'>,
): void {
  const hash = createHash('sha256');
  for (let first = 0; first < index.chunkCount; first += BATCH) {
    hash.update(index.digests(first, Math.min(BATCH, index.chunkCount - first)));
  }
  const digest = hash.digest('hex');
  if (digest === file.digest && index.sizeBytes === file.sizeBytes) return;
  const found = `found ${digest.slice(0, 12)} of ${index.sizeBytes} B`;
  const wanted = `wanted ${file.digest.slice(0, 12)} of ${file.sizeBytes} B`;
  throw new KgetError('corrupt', `Cannot serve ${indexPath}: ${found}, ${wanted}`);
}
