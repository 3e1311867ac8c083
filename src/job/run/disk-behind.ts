import { KgetError, toFailure, type Failure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { Host } from '../hosts/hosts.ts';
import type { LeftBehind } from './known.ts';
import type { JobPorts, ServedDisk } from './ports.ts';
import { switchVms } from './switch-vms.ts';
import { diskOf, type JobParts, type Placement } from './want-vm.ts';

/**
 * The disk of a job whose machines boot from the store: they read it over NBD from this host, until
 * it has come to their nodes.
 */
export interface DiskBehind extends AsyncDisposable {
  /** Of all files that machines start from, those that must be on a node before one is made. */
  first(files: readonly DeployedFile[]): readonly DeployedFile[];
  /** Begins to bring it; machines of `booting` hosts may be made before it has come. */
  begin(booting: readonly Host[]): Promise<void>;
  /** See `StartOptions.nbdUrlOf`. Waits until `signal` is aborted, at most. */
  readonly urlOf?: (placement: Placement, signal: AbortSignal) => Promise<string | null>;
  /** All machines are made that ever will be. */
  allMade(): void;
  /**
   * The job has ended. If machines are kept it waits until they read the disk on their nodes, or
   * `signal` is aborted, and tells by node why they do not; otherwise no more of it is brought.
   */
  end(ending: { readonly keep: boolean; readonly signal: AbortSignal }): Promise<LeftBehind>;
}

export interface DiskBehindOptions {
  /** Where machines of the job are, or will be. */
  readonly nodes: Iterable<string>;
  hostOf(node: string): Host | undefined;
  /** Whether a machine may be on the node by now. */
  hasMachines(node: string): boolean;
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

export function diskBehind(parts: JobParts, options: DiskBehindOptions): DiskBehind {
  return parts.spec.bootFrom === 'store' ? openBehind(parts, options) : NOTHING_BEHIND;
}

function openBehind({ job, image }: JobParts, options: DiskBehindOptions): DiskBehind {
  const { hostOf, ports } = options;
  const nodes = [...options.nodes];
  const disk = diskOf(image);
  const { clock, say } = ports;
  const over = new AbortController();
  const ending = new AbortController();
  const signal = AbortSignal.any([ports.signal, over.signal]);
  /** Machines that read over NBD, and their nodes. */
  const readers = new Map<string, string>();
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
    arrival.settled = settle(node);
    arrival.tried.resolve(undefined);
  }

  async function settle(node: string): Promise<Failure | undefined> {
    const failure = await switchVms({
      job,
      node,
      hostOf,
      clock,
      signal,
      isAllMade: () => isAllMade,
      isEnding: () => ending.signal.aborted,
      onSwitched: (vm) => readers.delete(vm),
      onFailed: (failed) => tell(node, failed),
    });
    if (failure !== undefined || signal.aborted) return failure;
    const had = [...readers].filter(([, at]) => at === node);
    for (const [vm] of had) readers.delete(vm);
    return undefined;
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

  /** Brings it, and serves it no longer than it is read here. */
  async function bringAndSettle(): Promise<void> {
    await bring();
    const failures = await Promise.all([...arrivals.values()].map(({ settled }) => settled));
    if (signal.aborted || failures.some((failure) => failure !== undefined)) return;
    const former = served;
    served = undefined;
    await former?.[Symbol.asyncDispose]();
  }

  function tellLost(): void {
    if (served !== undefined && !over.signal.aborted && readers.size > 0) {
      say(`The disk is not served any more: machines that want more of it wait until it has come`);
    }
  }

  return {
    first: (files) => files.filter(({ digest }) => digest !== disk.digest),
    async begin(booting) {
      await Promise.all(
        nodes.map(async (node) => {
          if (await isPresent(disk, hostOf(node), signal)) arrived(node);
        }),
      );
      const early = booting.filter(({ node }) => arrivals.get(node)?.isHere === false);
      if (early.length > 0) await serve(early);
      bringing = bringAndSettle();
    },
    async urlOf({ vm, node }, cancelled) {
      const arrival = arrivals.get(node);
      if (arrival === undefined || arrival.isHere) return null;
      const isServed = served !== undefined && !served.lost.aborted;
      if (isServed && readers.size < MAX_READERS) {
        readers.set(vm, node);
        return served?.url ?? null;
      }
      const failure = await orAborted(arrival.tried.promise, cancelled);
      if (failure !== undefined) throw new KgetError(failure.code, failure.message);
      return null;
    },
    allMade() {
      isAllMade = true;
    },
    async end({ keep, signal: cancelled }) {
      if (!keep) {
        over.abort();
        return new Map();
      }
      ending.abort();
      const left = new Map<string, Failure>();
      await orAborted(bringing, cancelled);
      for (const [node, { settled }] of arrivals) {
        const failure = await orAborted(settled, cancelled);
        if (failure !== undefined && options.hasMachines(node)) left.set(node, failure);
      }
      return left;
    },
    async [Symbol.asyncDispose]() {
      if (ports.signal.aborted && readers.size > 0) {
        say(
          `Machines that read their disk from this host: ${readers.size}. They stand still when they ` +
            'want more of it, until the job is taken up again',
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
const NOTHING_BEHIND: DiskBehind = {
  first: (files) => files,
  begin: async () => {},
  allMade: () => {},
  end: async () => new Map(),
  [Symbol.asyncDispose]: async () => {},
};

/** Waits for something, and no longer than until somebody does not want it any more. */
async function orAborted<T>(work: Promise<T> | undefined, signal: AbortSignal) {
  const over = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    const either = AbortSignal.any([signal, over.signal]);
    if (either.aborted) resolve(undefined);
    else either.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    over.abort();
  }
}

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
