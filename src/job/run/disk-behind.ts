import { KgetError, toFailure, type Failure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { Host } from '../hosts/hosts.ts';
import type { LeftBehind } from './end-vms.ts';
import type { JobPorts, ServedDisk } from './ports.ts';
import { switchVms } from './switch-vms.ts';
import type { Placement } from './want-vm.ts';

/**
 * The disk of a job whose machines boot from the store: they read it over NBD from this host, until
 * it has come to their nodes.
 */
export interface DiskBehind extends AsyncDisposable {
  /** Begins to bring it; machines of `booting` hosts may be made before it has come. */
  begin(booting: readonly Host[]): Promise<void>;
  /** See `StartOptions.nbdUrlOf`. */
  urlOf(placement: Placement): Promise<string | null>;
  /** All machines are made that ever will be. */
  allMade(): void;
  /**
   * The job has ended. If machines are kept it waits until they read the disk on their nodes, and
   * tells by node why they do not; otherwise no more of it is brought.
   */
  end(ending: { readonly keep: boolean }): Promise<LeftBehind>;
}

export interface DiskBehindOptions {
  readonly job: string;
  readonly disk: DeployedFile;
  /** Where machines of the job are, or will be. */
  readonly nodes: readonly string[];
  hostOf(node: string): Host | undefined;
  readonly ports: Pick<JobPorts, 'clock' | 'deploy' | 'serveDisk' | 'signal' | 'say'>;
}

/** Machines that read over NBD at once; further ones wait until the disk has come. */
const MAX_READERS = 256;
/** A node that could not get the disk is tried again, as long as the job goes on. */
const RETRY_MS = 15_000;
const RETRY_FOR_MS = 24 * 3600_000;
const PRESENT_LIMIT_MS = 60_000;

/** What is known of the disk on one node. */
interface Arrival {
  isHere: boolean;
  /** Resolves when it has come, or a first try has failed: with why. */
  readonly tried: PromiseWithResolvers<Failure | undefined>;
  /** Resolves when machines read it there, or will not: with why. */
  settled: Promise<Failure | undefined>;
}

export function diskBehind(options: DiskBehindOptions): DiskBehind {
  const { disk, hostOf, ports, nodes } = options;
  const { clock, say } = ports;
  const over = new AbortController();
  const ending = new AbortController();
  const signal = AbortSignal.any([ports.signal, over.signal]);
  const readers = new Set<string>();
  const arrivals = new Map(nodes.map((node) => [node, newArrival()]));
  const told = new Set<string>();
  let served: ServedDisk | undefined;
  let isAllMade = false;
  let bringing: Promise<void> | undefined;

  function tell(node: string, { message }: Failure): void {
    const line = `${node}: ${message}`;
    if (!told.has(line) && !signal.aborted) say(line);
    told.add(line);
  }

  function arrived(node: string): void {
    const arrival = arrivals.get(node);
    if (arrival === undefined || arrival.isHere) return;
    arrival.isHere = true;
    arrival.settled = switchVms({
      ...options,
      node,
      clock,
      signal,
      isAllMade: () => isAllMade,
      onSwitched: (vm) => readers.delete(vm),
      onFailed: (failure) => tell(node, failure),
    });
    arrival.tried.resolve(undefined);
  }

  /** Nodes that do not have the disk after a try, and why. */
  async function tryOnce(lacking: readonly string[]): Promise<ReadonlyMap<string, Failure>> {
    const hosts = lacking.flatMap((node) => hostOf(node) ?? []);
    try {
      return await ports.deploy([disk], hosts, signal, arrived);
    } catch (error) {
      return new Map(hosts.map(({ node }) => [node, toFailure(error)]));
    }
  }

  async function bring(): Promise<void> {
    const startMs = clock.nowMs();
    const isOver = (): boolean =>
      signal.aborted || ending.signal.aborted || clock.nowMs() - startMs > RETRY_FOR_MS;
    for (let lacking = lackingNodes(); lacking.length > 0; lacking = lackingNodes()) {
      const failures = await tryOnce(lacking);
      for (const node of lacking) {
        const failure = hostOf(node) === undefined ? noHost(node) : failures.get(node);
        if (failure === undefined) arrived(node);
        else fail(node, failure);
      }
      if (lackingNodes().length > 0) {
        if (isOver()) return;
        await clock.sleep(RETRY_MS, AbortSignal.any([signal, ending.signal]));
      }
    }
  }

  function fail(node: string, failure: Failure): void {
    const arrival = arrivals.get(node);
    if (arrival === undefined || arrival.isHere) return;
    tell(node, failure);
    arrival.settled = Promise.resolve(failure);
    arrival.tried.resolve(failure);
  }

  function lackingNodes(): string[] {
    return [...arrivals].filter(([, { isHere }]) => !isHere).map(([node]) => node);
  }

  async function serve(booting: readonly Host[]): Promise<void> {
    try {
      served = await ports.serveDisk(disk, booting, signal);
      served.lost.addEventListener('abort', tellLost, { once: true });
    } catch (error) {
      say(`Machines wait for their disk: it cannot be served: ${toFailure(error).message}`);
    }
  }

  function tellLost(): void {
    if (!over.signal.aborted && readers.size > 0) {
      say(`The disk is not served any more: machines that want more of it wait until it has come`);
    }
  }

  return {
    async begin(booting) {
      await Promise.all(
        nodes.map(async (node) => {
          if (await isPresent(disk, hostOf(node), signal)) arrived(node);
        }),
      );
      const early = booting.filter(({ node }) => arrivals.get(node)?.isHere === false);
      if (early.length > 0) await serve(early);
      bringing = bring();
    },
    async urlOf({ vm, node }) {
      const arrival = arrivals.get(node);
      if (arrival === undefined || arrival.isHere) return null;
      const isServed = served !== undefined && !served.lost.aborted;
      if (isServed && readers.size < MAX_READERS) {
        readers.add(vm);
        return served?.url ?? null;
      }
      const failure = await arrival.tried.promise;
      if (failure !== undefined) throw new KgetError(failure.code, failure.message);
      return null;
    },
    allMade() {
      isAllMade = true;
    },
    async end({ keep }) {
      if (!keep) {
        over.abort();
        return new Map();
      }
      ending.abort();
      await bringing;
      const left = new Map<string, Failure>();
      for (const [node, { settled }] of arrivals) {
        const failure = await settled;
        if (failure !== undefined) left.set(node, failure);
      }
      return left;
    },
    async [Symbol.asyncDispose]() {
      if (ports.signal.aborted && readers.size > 0) {
        say(
          `${readers.size} machines read their disk from this host so far: they stand still when ` +
            'they want more of it, until the job is taken up again',
        );
      }
      over.abort();
      await bringing;
      await Promise.all([...arrivals.values()].map(({ settled }) => settled));
      await served?.[Symbol.asyncDispose]();
    },
  };
}

/** For a job whose machines start when the disk is on their nodes. */
export const NOTHING_BEHIND: DiskBehind = {
  begin: async () => {},
  urlOf: async () => null,
  allMade: () => {},
  end: async () => new Map(),
  [Symbol.asyncDispose]: async () => {},
};

function newArrival(): Arrival {
  const tried = Promise.withResolvers<Failure | undefined>();
  return { isHere: false, tried, settled: Promise.resolve(undefined) };
}

async function isPresent(
  file: DeployedFile,
  host: Host | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const terms = { limitMs: PRESENT_LIMIT_MS, signal };
    const found = await host?.caller.call('present', { files: [file] }, terms);
    return found?.digests.includes(file.digest) ?? false;
  } catch {
    // Why is told when it is to be brought there.
    return false;
  }
}

function noHost(node: string): Failure {
  return { code: 'unreachable', message: `Cannot bring the disk to ${node}: no host agent there` };
}
