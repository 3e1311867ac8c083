import type { Clock } from '../../src/base/clock.ts';
import { KgetError, type Failure } from '../../src/base/error.ts';
import type { AgentLauncher } from '../../src/control/channel.ts';
import { memoryChannelPair } from '../../src/control/memory-channel.ts';
import type { AgentMessage, CoordinatorMessage, ImageName } from '../../src/control/messages.ts';
import type { ImageFacts, RunFailure } from '../../src/coordinator/facts.ts';
import { gather } from '../../src/coordinator/gather.ts';
import type { EarlierRelease, Resumption } from '../../src/coordinator/fold-journal.ts';
import type { JournalRecord } from '../../src/coordinator/journal.ts';
import type { GatherOutcome, GatherPlan } from '../../src/coordinator/ports.ts';
import { FRONTEND } from '../../src/planner/types.ts';
import { idleClock } from './idle-clock.ts';

type Order = Extract<CoordinatorMessage, { type: 'receive' }>;

/** What a node of the cluster has, and how it behaves. */
export interface NodeScript {
  readonly images?: readonly string[];
  readonly spooled?: readonly ImageName[];
  /** Thrown when its agent is to be started. */
  readonly launchFailure?: KgetError;
  readonly problem?: Failure;
  /** Its images cannot be scanned, or its agent dies of it. */
  readonly scans?: 'fail' | 'die';
}

export interface ClusterScript {
  readonly nodes: Readonly<Record<string, NodeScript>>;
  readonly plan?: Partial<GatherPlan>;
  /** `NODE/FILE` of what the frontend has from before. */
  readonly seeded?: readonly string[];
  /**
   * What the agent of `node` says to a message at once; undefined: as a good one would.
   */
  answer?(
    node: string,
    message: CoordinatorMessage,
    voice: Voice,
  ): readonly AgentMessage[] | undefined;
  /** Decides the fate of a transfer; by default it arrives and becomes durable. */
  onReceive?(order: Order, world: World): Fate;
}

/** How an agent says more, later. */
export interface Voice {
  say(message: AgentMessage): void;
  readonly clock: Clock;
  /** As `World.pass`. */
  pass(durationMs: number): void;
}

export type Fate =
  | { readonly answer: readonly AgentMessage[] }
  /** The agent says nothing more about it. */
  | 'silence'
  | 'normal';

/** What happened in a run, as the cluster saw it. */
export interface World {
  readonly launched: string[];
  readonly left: { readonly node: string; readonly emptySpool: boolean }[];
  readonly dropped: string[];
  readonly pulls: Order[];
  readonly mostSenders: number;
  readonly releaseCommands: string[];
  readonly journal: JournalRecord[];
  readonly safe: string[];
  readonly failures: RunFailure[];
  nowMs(): number;
  /** Cuts the channel of an agent. */
  kill(node: string): void;
  interrupt(): void;
  /** Holds the coordinator up for so long. Otherwise time passes when nothing else happens. */
  pass(durationMs: number): void;
  /** Whether a pull is one of the frontend. */
  toFrontend(order: Order): boolean;
}

export const IMAGE_BYTES = 1000;

/** Of every image, and of one that is none of them. */
export const DIGEST = 'd'.repeat(64);
export const OTHER_DIGEST = 'e'.repeat(64);

/** Of no nodes. */
export const PLAN: GatherPlan = {
  run: 'test',
  startedMs: 0,
  nodes: [],
  patterns: ['/vm/*'],
  planner: { objective: { kind: 'mean' }, maxHops: 10, maxAttempts: 3, copies: 1 },
  senders: 1,
  nodeTerms: new Map(),
  rackUplinks: new Map(),
  chunkSizeBytes: 4096,
  target: { layout: 'files', directory: '/srv' },
  targetKey: 'key',
  spoolDirectory: null,
  frontendBytesPerSecond: null,
  nodeBytesPerSecond: null,
  dryRun: false,
  resumption: undefined,
};

/** Of a run that had only begun. */
export const RESUMPTION: Resumption = {
  run: 'before',
  startedAt: '2026-01-01T00:00:00.000Z',
  lastSeconds: 0,
  invocation: undefined,
  nodeSets: [],
  released: new Map(),
  images: new Map(),
  transfers: [],
};

/** These nodes were released, and given back. */
export function releasedBefore(...nodes: string[]): Map<string, EarlierRelease> {
  const release = { releasedSeconds: 3, readySeconds: 1, givenBack: true };
  return new Map(nodes.map((node) => [node, release]));
}

/** What an agent says that can work. */
export const READY = {
  type: 'ready' as const,
  port: 1,
  roomBytes: 1e9,
  linkBytesPerSecond: null,
  spooled: [],
  seeded: [],
  warnings: [],
};

/** Runs the production coordinator against agents in memory; nothing takes real time. */
export async function runCluster(script: ClusterScript): Promise<GatherOutcome & { world: World }> {
  const interrupt = new AbortController();
  const cuts = new Map<string, () => void>();
  const frontendOrders = new Set<Order>();
  const clock = idleClock();
  let sendersNow = 0;
  const world = {
    launched: [] as string[],
    left: [] as { node: string; emptySpool: boolean }[],
    dropped: [] as string[],
    pulls: [] as Order[],
    mostSenders: 0,
    releaseCommands: [] as string[],
    journal: [] as JournalRecord[],
    safe: [] as string[],
    failures: [] as RunFailure[],
    nowMs: () => clock.nowMs(),
    kill: (node: string) => cuts.get(node)?.(),
    interrupt: () => interrupt.abort(),
    pass: clock.pass,
    toFrontend: (order: Order) => frontendOrders.has(order),
  };

  const launcher: AgentLauncher = {
    async launch(node) {
      const behaviour = script.nodes[node] ?? {};
      world.launched.push(node);
      if (behaviour.launchFailure !== undefined) throw behaviour.launchFailure;
      const { coordinator, agent } = memoryChannelPair();
      cuts.set(node, () => agent.close());
      agent.onEnd(() => {});
      agent.onMessage((message) => {
        const say = (said: AgentMessage): void => agent.send(said);
        const own = script.answer?.(node, message, { say, clock, pass: clock.pass });
        for (const answer of own ?? answers(node, behaviour, message)) agent.send(answer);
        const dies = message.type === 'find' && behaviour.scans === 'die';
        if (message.type === 'leave' || dies) agent.close();
      });
      await Promise.resolve();
      return { channel: coordinator, address: node };
    },
  };

  function answers(
    node: string,
    behaviour: NodeScript,
    message: CoordinatorMessage,
  ): AgentMessage[] {
    switch (message.type) {
      case 'configure': {
        const spooled = [...(behaviour.spooled ?? [])];
        const seeded = node === FRONTEND ? [...(script.seeded ?? [])] : [];
        return [{ ...READY, spooled, seeded }];
      }
      case 'find':
        return found(behaviour);
      case 'receive':
        return received(node, message);
      case 'drop':
        world.dropped.push(`${node} ${message.image}`);
        return [];
      case 'leave':
        world.left.push({ node, emptySpool: message.emptySpool });
        return [{ type: 'left' }];
      case 'ping':
        return [{ type: 'pong' }];
      case 'cancel':
        return [];
    }
  }

  function received(node: string, order: Order): AgentMessage[] {
    world.pulls.push(order);
    if (node === FRONTEND) frontendOrders.add(order);
    const fate = script.onReceive?.(order, world) ?? 'normal';
    if (fate === 'silence') return [];
    if (fate !== 'normal') return [...fate.answer];
    const toFrontend = node === FRONTEND;
    sendersNow += toFrontend ? 1 : 0;
    world.mostSenders = Math.max(world.mostSenders, sendersNow);
    sendersNow -= toFrontend ? 1 : 0;
    return [arrived(order), durable(order)];
  }

  const plan = { ...PLAN, nodes: Object.keys(script.nodes), ...script.plan };
  const outcome = await gather(plan, {
    nodes: launcher,
    frontend: launcher,
    clock,
    journal: { append: (record) => world.journal.push(record), close: () => {} },
    identify: () => Promise.resolve({ certificate: '', key: '', authority: '' }),
    onRelease(node) {
      world.releaseCommands.push(node);
      return Promise.resolve(undefined);
    },
    observer: {
      begun: () => {},
      nodeChanged: () => {},
      imageSafe: (image: ImageFacts) => world.safe.push(image.id),
      failed: (failure) => world.failures.push(failure),
      notice: () => {},
    },
    signal: interrupt.signal,
  });
  if (outcome.end !== undefined) world.journal.push(outcome.end);
  return { ...outcome, world };
}

function found({ images = [], problem, scans }: NodeScript): AgentMessage[] {
  return [
    {
      type: 'found',
      images: images.map((path) => ({
        path,
        sizeBytes: IMAGE_BYTES,
        allocatedBytes: IMAGE_BYTES,
      })),
      problems: problem === undefined ? [] : [{ pattern: '/vm/*', failure: problem }],
    },
    ...images.flatMap((path) => scanned(path, scans)),
  ];
}

function scanned(path: string, fate: NodeScript['scans']): AgentMessage[] {
  if (fate === 'die') return [];
  if (fate === undefined) {
    const sketch = { chunks: 0, hashes: [] };
    return [{ type: 'scanned', path, dataBytes: IMAGE_BYTES, imageDigest: DIGEST, sketch }];
  }
  const failure = { code: 'source-unreadable' as const, message: `Cannot read ${path}` };
  return [{ type: 'scan-failed', path, failure }];
}

/** The message of an agent that every byte has arrived at. */
export function arrived({ transfer }: Order): AgentMessage {
  return { type: 'arrived', transfer, wireBytes: 1 };
}

/** The message of an agent that has an image complete, verified and durable. */
export function durable(order: Order, imageDigest = DIGEST): AgentMessage {
  const { transfer } = order;
  return { type: 'received', transfer, wireBytes: 1, chunks: 1, dataBytes: 1, imageDigest };
}

/** A cluster of `count` nodes with one image each. */
export function equalNodes(count: number): Record<string, NodeScript> {
  const names = Array.from({ length: count }, (_, index) => `node${index + 1}`);
  return Object.fromEntries(names.map((name) => [name, { images: ['/vm/disk'] }]));
}
