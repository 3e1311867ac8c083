import type { Host } from '../hosts/hosts.ts';
import type { JobPorts } from './ports.ts';

/** Host agents that take the place of others that were lost; they leave when it is disposed of. */
export interface AgentsAgain extends Disposable {
  /** Another one, once for all who want it. @throws KgetError as `JobPorts.reconnect` */
  start(node: string): Promise<Host>;
  /** Another one only if that of the node is gone. @throws KgetError as `start` */
  ensure(node: string): Promise<Host>;
}

/** `reached`: the latest agent of each node. */
export function agentsAgain(
  reached: Map<string, Host>,
  ports: Pick<JobPorts, 'reconnect' | 'signal'>,
): AgentsAgain {
  const started: Host[] = [];
  const coming = new Map<string, Promise<Host>>();

  async function startNew(node: string): Promise<Host> {
    try {
      const host = await ports.reconnect(node, ports.signal);
      started.push(host);
      reached.set(node, host);
      return host;
    } finally {
      coming.delete(node);
    }
  }

  function start(node: string): Promise<Host> {
    const host = coming.get(node) ?? startNew(node);
    coming.set(node, host);
    return host;
  }

  return {
    start,
    async ensure(node) {
      const host = reached.get(node);
      return host === undefined || host.caller.ended.aborted ? await start(node) : host;
    },
    [Symbol.dispose]() {
      for (const { caller } of started) caller.close();
    },
  };
}
