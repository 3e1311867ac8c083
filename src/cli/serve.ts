import { InvalidArgumentError, Option, type Command } from 'commander';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { KgetError, toFailure } from '../base/error.ts';
import { parseSize } from '../base/units.ts';
import { readCatalogue, type Snapshot } from '../catalogue/catalogue.ts';
import { selectSnapshots } from '../catalogue/select.ts';
import { openBlobIndex } from '../content/blob-index.ts';
import { type ChunkCache, createChunkCache } from '../nbd/chunk-cache.ts';
import type { Disk, Exports } from '../nbd/disk.ts';
import type { NbdAddress } from '../nbd/listen.ts';
import { serveNbd } from '../nbd/serve-nbd.ts';
import { snapshotDisk } from '../nbd/snapshot-disk.ts';
import type { TlsOptions } from '../nbd/upgrade-tls.ts';
import { useStore } from '../store/store-use.ts';
import { boundedNotices } from '../transfer/notices.ts';
import { readChunksOf } from './chunk-reading.ts';
import { EXIT } from './exit-code.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

/** NBD's own port, for this host only. */
const DEFAULT_LISTEN = '127.0.0.1:10809';
const DEFAULT_CACHE = '256MiB';

/** Lines about clients that are printed: a client can provoke as many as it likes. */
const NOTICES_PER_MINUTE = 60;

const EXAMPLES = `
Examples:
  kgetplus serve latest/node01/disk.img --socket /run/disk.sock
  nbdinfo 'nbd+unix:///?socket=/run/disk.sock'
  qemu-img create -f qcow2 -F raw -b 'nbd+unix:///?socket=/run/disk.sock' overlay.qcow2
  kgetplus serve 'latest/*' --listen 0.0.0.0:10809 --tls-cert c.pem --tls-key k.pem --tls-ca ca.pem

Each snapshot is the export of its name, RUN/NODE/NAME; a single one is also the default export.
Runs until Ctrl-C.`;

interface ServeOptions extends StoreOption {
  readonly socket?: string;
  readonly listen: NbdAddress;
  readonly cache: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
}

/** Declares `serve`. */
export function addServe(program: Command, system: System): void {
  const command = program
    .command('serve')
    .summary('serve snapshots as disks over NBD, without a restore')
    .description('Serves snapshots of a store read-only over NBD, straight from their chunks.')
    .argument('<snapshot...>', 'RUN/NODE/NAME, each part a glob; RUN may be latest')
    .option('--socket <path>', 'listen on a Unix socket')
    .addOption(
      new Option('--listen <host:port>', 'listen on a TCP port')
        .argParser(address)
        .default(address(DEFAULT_LISTEN), DEFAULT_LISTEN),
    )
    .addOption(
      new Option('--cache <size>', 'memory for chunks')
        .argParser(parseSize)
        .default(parseSize(DEFAULT_CACHE), DEFAULT_CACHE),
    )
    .option('--tls-cert <file>', 'speak TLS only, with this certificate (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--tls-ca <file>', 'let in only clients with a certificate of this authority (PEM)')
    .addHelpText('after', EXAMPLES);
  addStoreOption(command).action(async (selectors: string[], options: ServeOptions) => {
    system.setExitCode(await serveCommand(selectors, options, system));
  });
}

async function serveCommand(
  selectors: readonly string[],
  options: ServeOptions,
  system: System,
): Promise<number> {
  const place = storeAt(options, system);
  const snapshots = selectSnapshots(readCatalogue(place), { selectors });
  const tls = tlsOf(options);
  using _use = useStore(place, 'serve');
  await using chunks = readChunksOf(place, system);
  const cache = createChunkCache({ chunks, maxBytes: options.cache });
  const server = await serveNbd({
    listen:
      options.socket === undefined
        ? options.listen
        : { kind: 'unix', path: resolve(options.socket) },
    exports: await openExports(snapshots, cache),
    ...(tls === undefined ? {} : { tls }),
    onNotice: boundedNotices({
      perMinute: NOTICES_PER_MINUTE,
      nowMs: () => system.clock.nowMs(),
      onNotice: (text) => system.stderr.write(`kgetplus: ${text}\n`),
    }),
  });
  const scheme = tls === undefined ? 'nbd' : 'nbds';
  for (const { id } of snapshots) {
    const name = snapshots.length === 1 ? '' : encodeURIComponent(id);
    system.stdout.write(`${id}\t${uriOf(server.address, scheme, name)}\n`);
  }
  await interrupted(system.interrupt);
  await server.close();
  return EXIT.ok;
}

/** Opens all indexes now: a snapshot that is forgotten meanwhile is served all the same. */
async function openExports(snapshots: readonly Snapshot[], cache: ChunkCache): Promise<Exports> {
  const disks = new Map<string, Disk>();
  for (const { id, indexPath } of snapshots) {
    disks.set(id, snapshotDisk({ index: await openBlobIndex(indexPath), cache }));
  }
  return { names: () => [...disks.keys()], open: async (name) => disks.get(name) };
}

function tlsOf({ tlsCert, tlsKey, tlsCa }: ServeOptions): TlsOptions | undefined {
  if (tlsCert === undefined && tlsKey === undefined && tlsCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new KgetError('usage', 'Cannot speak TLS: wanted both --tls-cert and --tls-key');
  }
  return {
    certificate: pemOf(tlsCert),
    key: pemOf(tlsKey),
    ...(tlsCa === undefined ? {} : { authority: pemOf(tlsCa) }),
    required: true,
  };
}

function pemOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new KgetError('usage', `Cannot read ${file}: ${toFailure(error).message}`, {
      cause: error,
    });
  }
}

function address(text: string): NbdAddress {
  const found = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/.exec(text);
  const host = found?.groups?.['six'] ?? found?.groups?.['host'];
  const port = Number(found?.groups?.['port']);
  if (host !== undefined && port <= 65_535) return { kind: 'tcp', host, port };
  throw new InvalidArgumentError('Wanted HOST:PORT, such as 127.0.0.1:10809 or [::1]:10809.');
}

/** As https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md has it. */
function uriOf(at: NbdAddress, scheme: string, name: string): string {
  if (at.kind === 'unix') return `${scheme}+unix:///${name}?socket=${at.path}`;
  const host = at.host.includes(':') ? `[${at.host}]` : at.host;
  return `${scheme}://${host}:${at.port}/${name}`;
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolved) => {
    if (signal.aborted) resolved();
    else signal.addEventListener('abort', () => resolved(), { once: true });
  });
}
