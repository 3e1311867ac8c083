import { KgetError, type Failure } from '../base/error.ts';
import { formatSize } from '../base/units.ts';
import type { DeployedFile } from '../control/host-calls.ts';
import { deploy, type DeployedNode } from '../job/deploy/deploy.ts';
import type { Host } from '../job/hosts/hosts.ts';
import type { ServedDisk } from '../job/run/ports.ts';
import type { System } from './system.ts';

/** A file on this host that nodes are to have. */
export type FrontendFile =
  | { readonly kind: 'stored'; readonly file: DeployedFile; readonly indexPath: string }
  | { readonly kind: 'file'; readonly file: DeployedFile; readonly path: string };

/** From the request to the answer: a file is read and hashed. */
const SERVE_LIMIT_MS = 10 * 60_000;

/**
 * Has the frontend's agent give files, and brings them to hosts; by node, why one does not have
 * them. @throws KgetError `corrupt` if a file is not the one that it was; what the agent throws
 */
export async function deployFrom(
  frontend: Host,
  work: {
    readonly files: readonly FrontendFile[];
    readonly store: string;
    readonly hosts: readonly Host[];
    readonly signal: AbortSignal;
    onSettled(node: DeployedNode): void;
  },
  system: System,
): Promise<ReadonlyMap<string, Failure>> {
  const { files, hosts, signal, store } = work;
  for (const file of files) await serve(frontend, file, { store, signal });
  const report = await deploy({
    files: files.map(({ file }) => file),
    frontend: { ...frontend, address: addressFor(hosts) ?? frontend.address },
    nodes: hosts,
    clock: system.clock,
    signal,
    observer: {
      relinked(node, from, failure) {
        system.stderr.write(`${node}: does not get it from ${from}: ${failure.message}\n`);
      },
      settled: (node) => work.onSettled(node),
    },
  });
  const answer = new Map(
    report.nodes.flatMap(({ node, failure }) => (failure ? [[node, failure]] : [])),
  );
  // What was broken off on purpose is not worth a word.
  if (signal.aborted) return answer;
  const came = report.nodes.filter(({ failure }) => failure === undefined).length;
  system.stderr.write(
    `Deployed to ${came} of ${report.nodes.length} nodes in ${report.seconds.toFixed(1)} s; ` +
      `${formatSize(report.frontendBytes)} left this host\n`,
  );
  return answer;
}

/**
 * Has the frontend's agent give a file of the store to be read over NBD by machines on hosts, until
 * it is disposed of: then the agent leaves. @throws KgetError as the call `serve-disk`
 */
export async function serveDiskFrom(
  frontend: Host,
  work: Extract<FrontendFile, { kind: 'stored' }> & {
    readonly store: string;
    readonly hosts: readonly Host[];
    readonly signal: AbortSignal;
  },
): Promise<ServedDisk> {
  const { file, indexPath, store, hosts, signal } = work;
  const terms = { limitMs: SERVE_LIMIT_MS, signal };
  const request = { file, store, indexPath };
  const { port, exportName } = await frontend.caller.call('serve-disk', request, terms);
  const address = addressFor(hosts) ?? frontend.address;
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    url: `nbd://${host}:${port}/${exportName}`,
    lost: frontend.caller.ended,
    async [Symbol.asyncDispose]() {
      frontend.caller.close();
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
