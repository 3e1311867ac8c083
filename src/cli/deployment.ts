import { KgetError, type Failure } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import type { DeployedFile } from '../control/host-calls.ts';
import { deploy, type DeployedNode, type DeployReport } from '../job/deploy/deploy.ts';
import type { Host } from '../job/hosts/hosts.ts';
import type { ServedDisk } from '../job/run/ports.ts';
import { useStore } from '../store/store-use.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { System } from './system.ts';

/** A file on this host that nodes are to have. */
export type FrontendFile =
  | { readonly kind: 'stored'; readonly file: DeployedFile; readonly indexPath: string }
  | { readonly kind: 'file'; readonly file: DeployedFile; readonly path: string };

/** From the request to the answer: a file is read and hashed. */
const SERVE_LIMIT_MS = 10 * 60_000;

/** Files of this host, and the hosts that are to have them. */
export interface Deployment {
  readonly files: readonly FrontendFile[];
  readonly place: StorePlace;
  readonly hosts: readonly Host[];
  readonly signal: AbortSignal;
  onSettled?(node: DeployedNode): void;
}

/**
 * Has the frontend's agent give files, and brings them to hosts; what cannot be got from where it was
 * to come from is told on standard error.
 * @throws KgetError `corrupt` if a file is not the one that it was; what the agent throws
 */
export async function deployFrom(
  frontend: Host,
  { files, hosts, signal, place, onSettled }: Deployment,
  system: System,
): Promise<DeployReport> {
  using _use = useStore(place, 'deploy');
  for (const file of files) await serve(frontend, file, { store: place.directory, signal });
  return await deploy({
    files: files.map(({ file }) => file),
    frontend: { ...frontend, address: addressFor(hosts) ?? frontend.address },
    nodes: hosts,
    clock: system.clock,
    signal,
    observer: {
      relinked(node, from, { message }) {
        system.stderr.write(`${node}: goes on with another source than ${from}: ${message}\n`);
      },
      ...(onSettled !== undefined && { settled: onSettled }),
    },
  });
}

/** A deployment in a line. */
export function deploymentText({ nodes, seconds, frontendBytes }: DeployReport): string {
  const came = nodes.filter(({ failure }) => failure === undefined).length;
  return (
    `Deployed to ${came} of ${nodes.length} nodes in ${seconds.toFixed(1)} s; ` +
    `${formatSize(frontendBytes)} left this host\n`
  );
}

/** By node, why it does not have all files. */
export function deployFailures({ nodes }: DeployReport): ReadonlyMap<string, Failure> {
  return new Map(nodes.flatMap(({ node, failure }) => (failure ? [[node, failure]] : [])));
}

/**
 * Has the frontend's agent give a file of the store to be read over NBD by machines on hosts, until
 * it is disposed of: then the agent leaves. @throws KgetError as the call `serve-disk`
 */
export async function serveDiskFrom(
  frontend: Host,
  work: Extract<FrontendFile, { kind: 'stored' }> & {
    readonly place: StorePlace;
    readonly hosts: readonly Host[];
    readonly signal: AbortSignal;
  },
): Promise<ServedDisk> {
  const { file, indexPath, place, hosts, signal } = work;
  const terms = { limitMs: SERVE_LIMIT_MS, signal };
  const request = { file, store: place.directory, indexPath };
  const use = useStore(place, 'serve');
  const served = frontend.caller.call('serve-disk', request, terms);
  served.catch(() => use[Symbol.dispose]());
  const { port, exportName } = await served;
  const address = addressFor(hosts) ?? frontend.address;
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    url: `nbd://${host}:${port}/${exportName}`,
    lost: frontend.caller.ended,
    async [Symbol.asyncDispose]() {
      frontend.caller.close();
      use[Symbol.dispose]();
    },
  };
}

/** The address at which hosts reach the frontend: where their ssh came from. */
function addressFor(hosts: readonly Host[]): string | undefined {
  return hosts.map(({ facts }) => facts.callerAddress).find((address) => address !== null);
}

async function serve(
  { caller }: Host,
  wanted: FrontendFile,
  { store, signal }: { readonly store: string; readonly signal: AbortSignal },
): Promise<void> {
  const terms = { limitMs: SERVE_LIMIT_MS, signal };
  if (wanted.kind === 'stored') {
    const { file, indexPath } = wanted;
    await caller.call('serve-stored', { file, store, indexPath }, terms);
    return;
  }
  const found = await caller.call('serve-file', { path: wanted.path }, terms);
  if (found.digest === wanted.file.digest) return;
  throw new KgetError(
    'corrupt',
    `Cannot deploy ${wanted.path}: it is not the file any more that it was when the job was submitted`,
  );
}
