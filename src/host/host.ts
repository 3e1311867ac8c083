import { answerCalls, type AnswerMessage, type CallMessage } from '../control/calls.ts';
import type { Handlers } from '../control/calls.ts';
import type { Channel } from '../control/channel.ts';
import { HOST_CALLS, type HostCalls } from '../control/host-calls.ts';
import { KgetError } from '../base/error.ts';
import { configureNode, type HostOptions } from './configure.ts';
import { createDiskServer } from './disk-server.ts';
import { machineCalls } from './machine-calls.ts';
import { withMachines, type Node } from './node.ts';
import { endedBySilence } from './silence.ts';

/** Snapshots that are still being written when the coordinator is gone get so long. */
const SNAPSHOT_LIMIT_MS = 30_000;

/** A host agent without its channel. */
interface Host {
  readonly handlers: Handlers<HostCalls>;
  /** Has machines go on that stand still for a cut, and ends all but the machines. Idempotent. */
  close(): Promise<void>;
}

/**
 * Minds the machines of this node, and the files that they start from, as it is told by calls; the
 * first is `configure`.
 */
function createHost(options: HostOptions): Host {
  const disks = createDiskServer(options);
  let configured: Promise<Node> | undefined;

  async function node(): Promise<Node> {
    if (configured !== undefined) return configured;
    throw new KgetError('protocol', 'Cannot do that yet: wanted the call "configure" first');
  }

  const handlers: Handlers<HostCalls> = {
    ...machineCalls(async () => withMachines(await node())),
    async configure(configuration, signal) {
      if (configured !== undefined) {
        throw new KgetError('protocol', 'Cannot configure this host agent: it was configured');
      }
      const configuring = configureNode(options, configuration, signal);
      configured = configuring.then((it) => it.node);
      // Whoever calls afterwards is told.
      configured.catch(() => {});
      return (await configuring).summary;
    },
    'serve-stored': async (request) => {
      await (await node()).cache.serveStored(request);
      return {};
    },
    'serve-disk': async (request) => {
      await node();
      return disks.serve(request);
    },
    'serve-file': async ({ path }, signal) => (await node()).cache.serveFile(path, signal),
    present: async ({ files }) => ({ digests: await (await node()).cache.present(files) }),
    fetch: async (request, signal) => (await node()).cache.fetch(request, signal),
    progress: async () => ({ files: (await node()).cache.progress() }),
  };

  return {
    handlers,
    async close() {
      const it = await configured?.catch(() => undefined);
      await disks.close();
      await it?.machines?.cuts.close(SNAPSHOT_LIMIT_MS);
      await it?.cache.close();
    },
  };
}

export interface HostAgentOptions extends Omit<HostOptions, 'onNotice'> {
  readonly channel: Channel<AnswerMessage, CallMessage>;
  /** Ends the agent in order. */
  readonly stop: AbortSignal;
}

/**
 * Answers the calls of a coordinator until the channel ends, it says to leave, or it has been silent
 * for too long. Resolves when nothing but the machines is left running.
 */
export async function runHost({ channel, stop, ...options }: HostAgentOptions): Promise<void> {
  const host = createHost({
    ...options,
    onNotice: (text) => channel.send({ type: 'notice', text }),
  });
  const heard = endedBySilence(channel, options.clock);
  const close = (): void => channel.close();
  stop.addEventListener('abort', close, { once: true });
  if (stop.aborted) close();
  await answerCalls({ channel: heard, table: HOST_CALLS, handlers: host.handlers });
  await host.close();
}
