import { KgetError, type Failure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { Host } from '../hosts/hosts.ts';
import { diskArrivals } from './disk-arrivals.ts';
import { diskServing } from './disk-serving.ts';
import type { LeftBehind } from './known.ts';
import type { JobPorts } from './ports.ts';
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

export function diskBehind(parts: JobParts, options: DiskBehindOptions): DiskBehind {
  return parts.spec.bootFrom === 'store' ? openBehind(parts, options) : NOTHING_BEHIND;
}

/** For a job whose machines start when the disk is on their nodes. */
const NOTHING_BEHIND: DiskBehind = {
  first: (files) => files,
  begin: async () => {},
  allMade: () => {},
  end: async () => new Map(),
  [Symbol.asyncDispose]: async () => {},
};

function openBehind({ job, image }: JobParts, options: DiskBehindOptions): DiskBehind {
  const { hostOf, ports } = options;
  const disk = diskOf(image);
  const nodes = [...options.nodes];
  const over = new AbortController();
  const ending = new AbortController();
  const signal = AbortSignal.any([ports.signal, over.signal]);
  let isAllMade = false;
  let bringing: Promise<void> | undefined;
  const serving = diskServing(ports, signal);
  const arrivals = diskArrivals({
    job,
    disk,
    nodes,
    hostOf,
    ports,
    signal,
    ending: ending.signal,
    isAllMade: () => isAllMade,
    onSwitched: serving.switched,
  });

  /** Brings it, and serves it no longer than it is read here. */
  async function bring(): Promise<void> {
    await arrivals.bring();
    const failures = await Promise.all(nodes.map((node) => arrivals.settled(node)));
    if (signal.aborted || failures.some((failure) => failure !== undefined)) return;
    await serving.end();
  }

  return {
    first: (files) => files.filter(({ digest }) => digest !== disk.digest),
    async begin(booting) {
      await arrivals.look();
      const early = booting.filter(({ node }) => !arrivals.isHere(node));
      if (early.length > 0) await serving.begin(disk, early);
      bringing = bring();
    },
    async urlOf({ vm, node }, cancelled) {
      if (arrivals.isHere(node)) return null;
      const url = serving.urlFor(vm);
      if (url !== null) return url;
      const failure = await orAborted(arrivals.tried(node), cancelled);
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
      for (const node of nodes.filter((it) => options.hasMachines(it))) {
        const failure = await orAborted(arrivals.settled(node), cancelled);
        if (failure !== undefined) left.set(node, failure);
      }
      return left;
    },
    async [Symbol.asyncDispose]() {
      const readers = serving.readers();
      if (ports.signal.aborted && readers > 0) ports.say(whatWaits(readers));
      over.abort();
      await bringing;
      await Promise.all(nodes.map((node) => arrivals.settled(node)));
      await serving.end();
    },
  };
}

function whatWaits(readers: number): string {
  return (
    `Machines that read their disk from this host: ${readers}. They stand still when they want ` +
    'more of it, until the job is taken up again'
  );
}

/** Waits for something, and no longer than until somebody does not want it any more. */
async function orAborted<T>(
  work: Promise<T> | undefined,
  signal: AbortSignal,
): Promise<T | undefined> {
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
