import { KgetError } from '../base/error.ts';
import { readCatalogue, type Catalogue, type Snapshot } from '../catalogue/catalogue.ts';
import { selectSnapshots } from '../catalogue/select.ts';
import { openBlobIndex } from '../content/blob-index.ts';
import { decodeMessage } from '../control/message-lines.ts';
import { vmDescription, type DeployedFile, type VmDescription } from '../control/host-calls.ts';
import { summariseIndex } from '../machine-image/part-digest.ts';
import { chunksOf } from '../restore/image-stream.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { FrontendFile } from './deployment.ts';

/** The snapshot of one machine, as a cut leaves it in a store. */
export interface VmSnapshot {
  readonly description: VmDescription;
  /** By name of the disk. */
  readonly disks: ReadonlyMap<string, FrontendFile>;
  readonly memory: FrontendFile | null;
}

const DESCRIPTION = /^(.+)-vm\.json$/;
/** A description with more than that is none. */
const MAX_DESCRIPTION_BYTES = 4 * 1024 * 1024;

/**
 * The snapshots of machines that `RUN[/NODE[/VM]]` selects.
 * @throws KgetError `usage` if there are none, `corrupt` for damaged ones
 */
export async function readVmSnapshots(
  selector: string,
  { place, chunks }: { readonly place: StorePlace; readonly chunks: ChunkReader },
): Promise<readonly VmSnapshot[]> {
  const [wished = '', node, vm] = selector.split('/');
  const catalogue = readCatalogue(place);
  const run = wished === 'latest' ? latestRun(catalogue) : wished;
  const own = [run, ...(node === undefined ? [] : [node])].join('/');
  const snapshots = selectSnapshots(catalogue, { selectors: [own] });
  const found: VmSnapshot[] = [];
  for (const snapshot of snapshots) {
    const name = DESCRIPTION.exec(snapshot.name)?.[1];
    if (name === undefined || (vm !== undefined && vm !== name)) continue;
    const beside = snapshots.filter(
      (it) =>
        it.run === snapshot.run && it.node === snapshot.node && it.name.startsWith(`${name}-`),
    );
    found.push(await readVmSnapshot(name, { snapshot, beside, chunks }));
  }
  if (found.length > 0) return found;
  throw new KgetError(
    'usage',
    `Cannot restore ${selector}: it has no snapshot of a machine; kgetplus ls names what there is, ` +
      'and kgetplus restore brings back plain images',
  );
}

/** The newest run with a machine in it; of one that is none, `selectSnapshots` says so. */
function latestRun({ runs }: Catalogue): string {
  const run = runs.findLast(({ snapshots }) =>
    snapshots.some(({ name }) => DESCRIPTION.test(name)),
  );
  return run?.id ?? 'latest';
}

async function readVmSnapshot(
  name: string,
  work: {
    readonly snapshot: Snapshot;
    readonly beside: readonly Snapshot[];
    readonly chunks: ChunkReader;
  },
): Promise<VmSnapshot> {
  const text = await textOf(work.snapshot, work.chunks);
  const peer = `the description ${work.snapshot.id}`;
  const description = decodeMessage(text, { schema: vmDescription, peer });
  const disks = new Map<string, FrontendFile>();
  let memory: FrontendFile | null = null;
  for (const snapshot of work.beside) {
    const part = snapshot.name.slice(name.length + 1);
    if (part.endsWith('.raw')) disks.set(part.slice(0, -4), await fileOf(snapshot));
    if (part === 'memory') memory = await fileOf(snapshot);
  }
  return { description, disks, memory };
}

async function fileOf({ indexPath }: Snapshot): Promise<FrontendFile> {
  const { imageDigest, sizeBytes } = await summariseIndex(indexPath);
  const file: DeployedFile = { digest: imageDigest, sizeBytes };
  return { kind: 'stored', file, indexPath };
}

async function textOf({ id, indexPath }: Snapshot, chunks: ChunkReader): Promise<string> {
  const index = await openBlobIndex(indexPath);
  try {
    if (index.sizeBytes > MAX_DESCRIPTION_BYTES) {
      const found = `found ${index.sizeBytes} B, wanted ${MAX_DESCRIPTION_BYTES} B at most`;
      throw new KgetError('corrupt', `Cannot read ${id} as the description of a machine: ${found}`);
    }
    const pieces: Uint8Array[] = [];
    for (const chunk of chunksOf(index)) pieces.push(await chunks.read(chunk));
    return Buffer.concat(pieces).toString('utf8');
  } finally {
    index.close();
  }
}
