import { memoryChannelPair } from '../../src/control/memory-channel.ts';
import type { AgentMessage, CoordinatorMessage } from '../../src/control/messages.ts';
import type { RunFailure } from '../../src/coordinator/facts.ts';
import { gather } from '../../src/coordinator/gather.ts';
import type { JournalRecord } from '../../src/coordinator/journal.ts';
import type { GatherOutcome, GatherPlan, GatherPorts } from '../../src/coordinator/ports.ts';
import { FRONTEND } from '../../src/planner/types.ts';
import { arrived, DIGEST, durable, IMAGE_BYTES, PLAN, READY } from '../coordinator/cluster.ts';
import { idleClock } from '../coordinator/idle-clock.ts';

/** What a hostile agent says, raw, to what it is told; undefined: what an honest one would say. */
export type Hostility = (message: CoordinatorMessage, world: HostileWorld) => unknown[] | undefined;

export interface HostileWorld {
  readonly journal: JournalRecord[];
  readonly safe: string[];
  readonly released: string[];
  readonly failures: RunFailure[];
  readonly notices: string[];
  /** Transfers that were ordered so far, the last one last. */
  readonly transfers: string[];
}

export const HOSTILE = 'mallory';
export const HONEST = ['node1', 'node2', 'node3'];
export const disk = (node: string): string => `${node}:/vm/disk`;

/** Runs the production coordinator and planner with honest agents and a hostile one. */
export async function runWithHostile(
  hostility: Hostility,
  changes: Partial<GatherPlan> = {},
): Promise<GatherOutcome & HostileWorld> {
  const world: HostileWorld = {
    journal: [],
    safe: [],
    released: [],
    failures: [],
    notices: [],
    transfers: [],
  };
  const launch: GatherPorts['nodes']['launch'] = (node) => {
    const { coordinator, agent } = memoryChannelPair();
    agent.onEnd(() => undefined);
    agent.onMessage((message) => {
      const said = node === HOSTILE ? hostility(message, world) : undefined;
      if (message.type === 'receive') world.transfers.push(message.transfer);
      for (const answer of said ?? honest(message)) agent.send(answer as AgentMessage);
      if (message.type === 'leave') agent.close();
    });
    return Promise.resolve({ channel: coordinator, address: node });
  };
  const plan = { ...PLAN, nodes: [...HONEST, HOSTILE], ...changes };
  const outcome = await gather(plan, {
    ...ports(world),
    nodes: { launch },
    frontend: { launch: (_, signal) => launch(FRONTEND, signal) },
  });
  return { ...outcome, ...world };
}

function ports(world: HostileWorld): Omit<GatherPorts, 'nodes' | 'frontend'> {
  return {
    clock: idleClock(),
    journal: { append: (record) => world.journal.push(record), close: () => undefined },
    identify: () => Promise.resolve({ certificate: '', key: '', authority: '' }),
    onRelease(node) {
      world.released.push(node);
      return Promise.resolve(undefined);
    },
    observer: {
      begun: () => undefined,
      nodeChanged: () => undefined,
      imageSafe: ({ id }) => world.safe.push(id),
      failed: (failure) => world.failures.push(failure),
      notice: (node, text) => world.notices.push(`${node}: ${text}`),
    },
    signal: new AbortController().signal,
  };
}

function honest(message: CoordinatorMessage): readonly AgentMessage[] {
  switch (message.type) {
    case 'configure':
      return [{ ...READY }];
    case 'find': {
      const image = { path: '/vm/disk', sizeBytes: IMAGE_BYTES, allocatedBytes: IMAGE_BYTES };
      const sketch = { chunks: 0, hashes: [] };
      return [
        { type: 'found', images: [image], problems: [] },
        { type: 'scanned', path: '/vm/disk', dataBytes: IMAGE_BYTES, imageDigest: DIGEST, sketch },
      ];
    }
    case 'receive':
      return [arrived(message), durable(message)];
    case 'leave':
      return [{ type: 'left' }];
    case 'ping':
      return [{ type: 'pong' }];
    case 'cancel':
    case 'drop':
      return [];
  }
}
