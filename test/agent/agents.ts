import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { runAgent, type AgentOptions } from '../../src/agent/agent.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { CoordinatorChannel } from '../../src/control/channel.ts';
import { memoryChannelPair } from '../../src/control/memory-channel.ts';
import type { AgentMessage, Configuration } from '../../src/control/messages.ts';
import { createAuthority } from '../../src/transfer/identity.ts';
import { memoryAttach, type MemoryAttach } from './memory-attach.ts';

/** The limits of a configuration, as the command has them. */
export const LIMITS = { stallMs: 15_000, silenceMs: 60_000, orphanMs: 300_000 };

/** A host with the agents of its nodes, and the coordinator's end of their channels. */
export interface Host {
  readonly root: string;
  readonly spool: string;
  readonly attach: MemoryAttach;
  readonly clock: HandClock;
  start(changes?: Partial<AgentOptions>): StartedAgent;
}

export interface StartedAgent {
  readonly coordinator: CoordinatorChannel;
  readonly processId: number;
  /** Resolves when nothing of it runs. */
  readonly left: Promise<void>;
  /** Resolves when its channel has ended. */
  readonly ended: Promise<void>;
  /** All that it has said so far. */
  readonly said: readonly AgentMessage[];
  /** The next message of a type; those before it are passed over. */
  heard<Type extends AgentMessage['type']>(
    type: Type,
  ): Promise<Extract<AgentMessage, { type: Type }>>;
  /** Has it leave as SIGTERM does. */
  stop(): void;
}

export function makeHost(t: TestContext): Host {
  const root = mkdtempSync(join(tmpdir(), 'kgetplus-agent-'));
  const spool = join(root, 'spool');
  const attach = memoryAttach();
  const clock = handClock();
  const endings: (() => Promise<void>)[] = [];
  t.after(async () => {
    // A test that failed must not keep its agents.
    for (const end of endings) await end();
    rmSync(root, { recursive: true, force: true });
  });
  let processId = 0;

  return {
    root,
    spool,
    attach,
    clock,
    start(changes = {}) {
      processId += 1;
      const { coordinator, agent } = memoryChannelPair();
      const stop = new AbortController();
      const said: AgentMessage[] = [];
      const unheard: AgentMessage[] = [];
      const listeners = new Set<() => void>();
      const ended = new Promise<void>((resolve) => {
        coordinator.onEnd(() => resolve());
      });
      coordinator.onMessage((message) => {
        said.push(message);
        unheard.push(message);
        for (const listener of listeners) listener();
      });
      const left = runAgent({
        channel: agent,
        clock,
        home: root,
        defaultSpool: spool,
        address: null,
        attach: attach.of(processId),
        build: '1',
        processId,
        stop: stop.signal,
        ...changes,
      });
      endings.push(async () => {
        stop.abort();
        await left;
      });
      return {
        coordinator,
        processId,
        left,
        ended,
        said,
        stop: () => stop.abort(),
        heard: (type) =>
          new Promise((resolve) => {
            const look = (): void => {
              const place = unheard.findIndex((message) => message.type === type);
              if (place < 0) return;
              listeners.delete(look);
              const [message] = unheard.splice(0, place + 1).slice(-1);
              resolve(message as Extract<AgentMessage, { type: typeof type }>);
            };
            listeners.add(look);
            look();
          }),
      };
    },
  };
}

export interface HandClock extends Clock {
  /** Lets time pass, from the end of one wait to that of the next. */
  elapse(durationMs: number): Promise<void>;
}

function handClock(): HandClock {
  const sleepers = new Map<() => void, number>();
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const wake = (): void => {
          sleepers.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        sleepers.set(wake, nowMs + durationMs);
        signal?.addEventListener('abort', wake);
      }),
    async elapse(durationMs) {
      const endMs = nowMs + durationMs;
      for (;;) {
        // What was begun meanwhile may wait, too.
        await setImmediate();
        const nextMs = Math.min(...sleepers.values());
        if (nextMs > endMs) break;
        nowMs = nextMs;
        for (const [wake, atMs] of sleepers) if (atMs <= nowMs) wake();
      }
      nowMs = endMs;
    },
  };
}

const authorities = new Map<string, ReturnType<typeof createAuthority>>();

/** What `node1` is told; `command` names the coordinator, each with a certificate authority. */
export async function configuration(
  changes: Partial<Configuration>,
  command = 'first',
): Promise<Configuration> {
  const node = changes.node ?? 'node1';
  const authority = authorities.get(command) ?? createAuthority(new Date());
  authorities.set(command, authority);
  return {
    type: 'configure',
    node,
    runId: 'run',
    chunkSizeBytes: 4096,
    identity: await (await authority).issue(node),
    targetKey: 'key',
    spoolDirectory: null,
    target: null,
    uploadBytesPerSecond: null,
    downloadBytesPerSecond: null,
    ...LIMITS,
    ...changes,
  };
}
