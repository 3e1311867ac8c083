import { toFailure, type Failure } from '../../base/error.ts';
import type { Host } from '../hosts/hosts.ts';
import type { LeftBehind } from './known.ts';
import type { JobPorts } from './ports.ts';

const CLEAN_LIMIT_MS = 120_000;
/** Release commands that run at once for nodes which an earlier command has released. */
const MAX_OWED_AT_ONCE = 8;

export interface GiveBackOptions {
  readonly job: string;
  /** The machines stay, and so do their nodes. */
  readonly keep: boolean;
  readonly hosts: readonly Host[];
  /** Of hosts that did not answer. */
  readonly silent: LeftBehind;
  /** Nodes that something of the job may be on. */
  readonly touched: ReadonlySet<string>;
  /** Names of cuts whose files go. */
  readonly cuts: readonly string[];
  readonly ports: JobPorts;
}

/** Nodes that are cleaned and given back as soon as nothing is needed from them any more. */
export interface GiveBack {
  /** Nodes for which that cannot be done. */
  readonly left: LeftBehind;
  /** At most once; what went wrong, if anything. */
  release(node: string): Promise<Failure | undefined>;
  /** Something on the node is not safe here: it is not touched. */
  withhold(node: string, what: string): void;
}

export function giveBackNodes(options: GiveBackOptions): GiveBack {
  const { keep, hosts, silent, touched, ports } = options;
  const left = new Map([...silent].filter(([node]) => touched.has(node)));
  const begun = new Map<string, Promise<Failure | undefined>>();
  const byNode = new Map(hosts.map((host) => [host.node, host]));

  async function cleanAndGiveBack(host: Host): Promise<Failure | undefined> {
    const { node } = host;
    const failure = silent.get(node) ?? (await cleaned(host, options));
    if (failure !== undefined) {
      if (touched.has(node)) left.set(node, failure);
      else ports.say(`${node}: not given back, nothing of the job is on it: ${failure.message}`);
      return failure;
    }
    ports.record({ type: 'released', node, at: ports.now() });
    return await giveBack(node, ports);
  }

  return {
    left,
    async release(node) {
      const host = byNode.get(node);
      if (keep || host === undefined || left.has(node)) return left.get(node);
      const release = begun.get(node) ?? cleanAndGiveBack(host);
      begun.set(node, release);
      return await release;
    },
    withhold(node, what) {
      const message = `${what} on ${node} could not be gathered, and stay there`;
      if (!left.has(node)) left.set(node, { code: 'source-unreadable', message });
    },
  };
}

/** Gives nodes back that an earlier command has released, but perhaps not given back. */
export async function giveBackOwed(nodes: Iterable<string>, ports: JobPorts): Promise<void> {
  const waiting = [...nodes];
  const lanes = Array.from({ length: Math.min(MAX_OWED_AT_ONCE, waiting.length) }, async () => {
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      if (ports.signal.aborted) return;
      await giveBack(node, ports);
    }
  });
  await Promise.all(lanes);
}

async function giveBack(node: string, ports: JobPorts): Promise<Failure | undefined> {
  const failure = await ports.release(node);
  if (failure === undefined) ports.record({ type: 'given-back', node });
  else ports.say(`${node}: ${failure.message}`);
  return failure;
}

/** Removes all of the job from a node, with the files of its cuts. */
async function cleaned(
  { caller }: Host,
  { job, cuts }: GiveBackOptions,
): Promise<Failure | undefined> {
  const terms = { limitMs: CLEAN_LIMIT_MS };
  try {
    for (const cut of cuts) await caller.call('drop-cut', { cut }, terms);
    await caller.call('clean', { job }, terms);
    return undefined;
  } catch (error) {
    return toFailure(error);
  }
}
