import type { Failure } from '../../src/base/error.ts';
import type { AgentMessage, CoordinatorMessage } from '../../src/control/messages.ts';
import { handleMessage } from '../../src/coordinator/agent-events.ts';
import { createFacts, imageId } from '../../src/coordinator/facts.ts';
import { execute } from '../../src/coordinator/commands.ts';
import type { JournalRecord } from '../../src/coordinator/journal.ts';
import { RUN_LIMITS } from '../../src/coordinator/limits.ts';
import type { GatherPlan } from '../../src/coordinator/ports.ts';
import type { Run } from '../../src/coordinator/run.ts';
import { FRONTEND, type PlannerEvent } from '../../src/planner/types.ts';
import { steppedClock } from '../control/clocks.ts';
import { DIGEST, IMAGE_BYTES, PLAN, READY } from './cluster.ts';

type Told<Type extends PlannerEvent['type']> = Extract<PlannerEvent, { type: Type }>;

/** The coordinator's handling of messages, with a planner that only listens. */
export interface StubRun {
  readonly run: Run;
  readonly journal: JournalRecord[];
  /** `NODE IMAGE` of all drops. */
  readonly drops: string[];
  readonly notices: string[];
  readonly failures: Failure[];
  /** What the planner was told, of one kind. */
  told<Type extends PlannerEvent['type']>(type: Type): Told<Type>[];
  says(node: string, message: AgentMessage): void;
  /** The frontend's agent is up. */
  begin(ready?: Partial<Extract<AgentMessage, { type: 'ready' }>>): void;
  /** A node is up. */
  join(node: string, ready?: Partial<Extract<AgentMessage, { type: 'ready' }>>): void;
  /** A node names its images. */
  list(node: string, ...paths: string[]): void;
  /** A node has scanned its `/vm/disk`. */
  scan(node: string): void;
  /** The planner commands a transfer of `/vm/disk` of `image`; its id. */
  pull(image: string, from: string, to: string): string;
  /** A transfer's copy is durable. */
  settle(to: string, transfer: string, imageDigest?: string): void;
  pass(durationMs: number): void;
  setSeconds(seconds: number): void;
}

export function stubRun(changes: Partial<GatherPlan>): StubRun {
  const plan = { ...PLAN, ...changes };
  const events: PlannerEvent[] = [];
  const journal: JournalRecord[] = [];
  const drops: string[] = [];
  const notices: string[] = [];
  const failures: Failure[] = [];
  const clock = steppedClock();
  let nowSeconds = 0;
  let transfers = 0;

  const send = (node: string, message: CoordinatorMessage): void => {
    if (message.type === 'drop') drops.push(`${node} ${message.image}`);
  };
  const run: Run = {
    plan,
    ports: {
      nodes: { launch: never },
      frontend: { launch: never },
      clock: { ...clock, nowMs: () => nowSeconds * 1000 },
      journal: { append: (record) => journal.push(record), close: () => {} },
      identify: never,
      onRelease: never,
      observer: {
        begun: () => {},
        nodeChanged: () => {},
        imageSafe: () => {},
        failed: () => {},
        notice: (node, text) => notices.push(`${node}: ${text}`),
      },
      signal: new AbortController().signal,
    },
    facts: createFacts(plan.nodes, 1),
    crew: {
      start: () => {},
      send,
      addressOf: (node) => node,
      leave: never,
      disband: never,
    },
    limits: RUN_LIMITS,
    servingPorts: new Map(),
    scannedBytes: new Map(),
    spares: new Map(),
    keepsUnknown: new Set(),
    words: new Map(),
    recalled: new Set(),
    withheld: new Set(),
    owed: new Set(),
    seeded: new Set(),
    assembly: 'none',
    planner: undefined,
    seconds: () => nowSeconds,
    feed: (event) => events.push(event),
    report: (failure) => failures.push(failure),
    over: new AbortController().signal,
    abort: never,
    inBackground: () => {},
  };
  const says = (node: string, message: AgentMessage): void => handleMessage(run, node, message);

  return {
    run,
    journal,
    drops,
    notices,
    failures,
    told: <Type extends PlannerEvent['type']>(type: Type) =>
      events.filter((event): event is Told<Type> => event.type === type),
    says,
    begin: (ready) => says(FRONTEND, { ...READY, ...ready }),
    join: (node, ready) => says(node, { ...READY, ...ready }),
    list: (node, ...paths) => {
      says(node, {
        type: 'found',
        images: paths.map((path) => ({
          path,
          sizeBytes: IMAGE_BYTES,
          allocatedBytes: IMAGE_BYTES,
        })),
        problems: [],
      });
    },
    scan: (node) =>
      says(node, {
        type: 'scanned',
        path: '/vm/disk',
        dataBytes: IMAGE_BYTES,
        imageDigest: DIGEST,
        sketch: { chunks: 2, hashes: [1, 5] },
      }),
    pull(origin, from, to) {
      transfers += 1;
      const transfer = `t${transfers}`;
      execute(run, { type: 'pull', transfer, image: imageId(origin, '/vm/disk'), from, to });
      return transfer;
    },
    settle: (to, transfer, imageDigest = DIGEST) =>
      says(to, {
        type: 'received',
        transfer,
        wireBytes: IMAGE_BYTES,
        chunks: 1,
        dataBytes: IMAGE_BYTES,
        imageDigest,
      }),
    pass: clock.pass,
    setSeconds: (seconds) => {
      nowSeconds = seconds;
    },
  };
}

function never(): never {
  throw new Error('a part of the run that these tests do not need');
}
