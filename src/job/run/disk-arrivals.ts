import { toFailure, type Failure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { Host } from '../hosts/hosts.ts';
import type { JobPorts } from './ports.ts';
import { switchVms } from './switch-vms.ts';

export interface ArrivalOptions {
  readonly job: string;
  readonly disk: DeployedFile;
  readonly nodes: readonly string[];
  hostOf(node: string): Host | undefined;
  readonly ports: Pick<JobPorts, 'clock' | 'deploy' | 'say'>;
  /** Ends all. */
  readonly signal: AbortSignal;
  /** The job waits only for this: what fails now is not tried for ever. */
  readonly ending: AbortSignal;
  /** Whether no machine will be made any more that reads elsewhere. */
  isAllMade(): boolean;
  onSwitched(vm: string): void;
}

/** How the disk of a job comes to nodes, whose machines read it there from then on. */
export interface DiskArrivals {
  /** Finds out which nodes have it. */
  look(): Promise<void>;
  /** Brings it to the others. Resolves when all have it, or will not. Never rejects. */
  bring(): Promise<void>;
  isHere(node: string): boolean;
  /** Resolves when it has come to a node, or a first try has failed: with why. */
  tried(node: string): Promise<Failure | undefined>;
  /** Resolves when machines read it on a node, or will not, as far as it is known: with why. */
  settled(node: string): Promise<Failure | undefined>;
}

/** A node that could not get the disk is tried again, as long as the job goes on. */
const RETRY_MS = 15_000;
const RETRY_FOR_MS = 24 * 3600_000;
const PRESENT_LIMIT_MS = 60_000;

interface Arrival {
  isHere: boolean;
  readonly tried: PromiseWithResolvers<Failure | undefined>;
  settled: Promise<Failure | undefined>;
}

export function diskArrivals(options: ArrivalOptions): DiskArrivals {
  const { disk, nodes, hostOf, ports, signal, ending } = options;
  const { clock } = ports;
  const arrivals = new Map(nodes.map((node) => [node, newArrival()]));
  const told = new Set<string>();

  function tell(node: string, { message }: Failure): void {
    const line = `${node}: ${message}`;
    if (!told.has(line) && !signal.aborted) ports.say(line);
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
      isEnding: () => ending.aborted,
      onFailed: (failed) => tell(node, failed),
    });
    arrival.tried.resolve(undefined);
  }

  function fail(node: string, failure: Failure): void {
    const arrival = arrivals.get(node);
    if (arrival === undefined || arrival.isHere) return;
    tell(node, failure);
    arrival.settled = Promise.resolve(failure);
    arrival.tried.resolve(failure);
  }

  function lacking(): string[] {
    return [...arrivals].filter(([, { isHere }]) => !isHere).map(([node]) => node);
  }

  /** By node, why it does not have the disk after a try. */
  async function tryOnce(to: readonly string[]): Promise<ReadonlyMap<string, Failure>> {
    const hosts = to.flatMap((node) => hostOf(node) ?? []);
    try {
      return await ports.deploy([disk], hosts, signal, arrived);
    } catch (error) {
      return new Map(hosts.map(({ node }) => [node, toFailure(error)]));
    }
  }

  return {
    async look() {
      await Promise.all(
        nodes.map(async (node) => {
          if (await isPresent(disk, hostOf(node), signal)) arrived(node);
        }),
      );
    },
    async bring() {
      const startMs = clock.nowMs();
      const over = AbortSignal.any([signal, ending]);
      for (let to = lacking(); to.length > 0; to = lacking()) {
        const failures = await tryOnce(to);
        for (const node of to) {
          const failure = hostOf(node) === undefined ? noHost(node) : failures.get(node);
          if (failure === undefined) arrived(node);
          else fail(node, failure);
        }
        if (lacking().length === 0) return;
        if (over.aborted || clock.nowMs() - startMs > RETRY_FOR_MS) return;
        await clock.sleep(RETRY_MS, over);
      }
    },
    isHere: (node) => arrivals.get(node)?.isHere ?? false,
    tried: async (node) => arrivals.get(node)?.tried.promise,
    settled: async (node) => arrivals.get(node)?.settled,
  };
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
