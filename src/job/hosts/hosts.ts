import type { Clock } from '../../base/clock.ts';
import { KgetError, toFailure, type Failure } from '../../base/error.ts';
import { caller, type AnswerMessage, type CallMessage } from '../../control/calls.ts';
import type { Launcher } from '../../control/channel.ts';
import { HOST_CALLS, type HostCaller, type HostCalls } from '../../control/host-calls.ts';
import type { RequestOf, ResultOf } from '../../control/calls.ts';

/** A host agent that was configured, and the node that it runs on. */
export interface Host {
  readonly node: string;
  /** At which other nodes reach it. */
  readonly address: string;
  /** Where it serves files. */
  readonly port: number;
  readonly caller: HostCaller;
  readonly facts: ResultOf<HostCalls, 'configure'>;
}

type Configuration = RequestOf<HostCalls, 'configure'>;

export interface HostOptions {
  readonly launcher: Launcher<CallMessage, AnswerMessage>;
  readonly clock: Clock;
  /** A new identity for the agent of a node. */
  identify(node: string): Promise<Configuration['identity']>;
  readonly terms: Omit<Configuration, 'node' | 'identity'>;
  readonly signal: AbortSignal;
  onNotice(node: string, text: string): void;
}

/** From the first word of a host agent to its answer: it looks for QEMU, and may try KVM. */
const CONFIGURE_LIMIT_MS = 60_000;
/** A host agent is asked for a sign of life so often, and must give it within the limit. */
const PULSE_MS = 10_000;
const PULSE_LIMIT_MS = 30_000;

/** Starts the host agent of one node, and configures it. @throws KgetError as `Launcher.launch` */
export async function startHost(node: string, options: HostOptions): Promise<Host> {
  const { launcher, clock, signal, terms } = options;
  const { channel, address } = await launcher.launch(node, signal);
  const peer = `the host agent on ${node}`;
  const onNotice = (text: string): void => options.onNotice(node, text);
  const calls = caller({ channel, table: HOST_CALLS, clock, peer, onNotice });
  try {
    const identity = await options.identify(node);
    const request = { ...terms, node, identity };
    const facts = await calls.call('configure', request, { limitMs: CONFIGURE_LIMIT_MS, signal });
    void keepPulse(calls, clock);
    return { node, address, port: facts.port, caller: calls, facts };
  } catch (error) {
    calls.close();
    throw error;
  }
}

/** A host that gives no sign of life is given up: whoever waits for it is told. */
async function keepPulse(calls: HostCaller, clock: Clock): Promise<void> {
  while (!calls.ended.aborted) {
    await clock.sleep(PULSE_MS, calls.ended);
    if (calls.ended.aborted) return;
    try {
      await calls.call('progress', {}, { limitMs: PULSE_LIMIT_MS });
    } catch {
      calls.close();
    }
  }
}

/** The hosts that could be started, and why the others could not. */
export interface Hosts extends AsyncDisposable {
  readonly all: ReadonlyMap<string, Host>;
  readonly failures: ReadonlyMap<string, Failure>;
  /** @throws KgetError `unreachable` for a node whose agent could not be started, or is gone */
  at(node: string): Host;
}

/** Starts host agents on nodes; those that are started leave when the whole is disposed of. */
export async function startHosts(nodes: readonly string[], options: HostOptions): Promise<Hosts> {
  const all = new Map<string, Host>();
  const failures = new Map<string, Failure>();
  await Promise.all(
    nodes.map(async (node) => {
      try {
        all.set(node, await startHost(node, options));
      } catch (error) {
        failures.set(node, toFailure(error));
      }
    }),
  );
  return {
    all,
    failures,
    at(node) {
      const host = all.get(node);
      if (host !== undefined && !host.caller.ended.aborted) return host;
      const found = failures.get(node)?.message ?? 'its host agent is gone';
      throw new KgetError('unreachable', `Cannot use ${node}: ${found}`);
    },
    async [Symbol.asyncDispose]() {
      for (const { caller: calls } of all.values()) calls.close();
    },
  };
}
