import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { KgetError, type ErrorCode } from '../../src/base/error.ts';
import {
  answerMessage,
  caller,
  callMessage,
  type AnswerMessage,
  type CallMessage,
  type RequestOf,
  type ResultOf,
} from '../../src/control/calls.ts';
import {
  HOST_CALLS,
  type DeployedFile,
  type HostCalls,
  type WantedVm,
} from '../../src/control/host-calls.ts';
import { memoryPair } from '../../src/control/memory-channel.ts';
import { STATUS_PORT, LOG_PORT } from '../../src/guest/protocol.ts';
import type { ImageCache } from '../../src/host/cache/image-cache.ts';
import { runHost } from '../../src/host/host.ts';
import type { HostFacts } from '../../src/host/host-facts.ts';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import type { GuestScript } from '../../src/hypervisor/simulated/guest.ts';
import { simulatedHypervisor } from '../../src/hypervisor/simulated/simulated.ts';
import {
  simulatedWorld,
  type SimulatedHost,
  type SimulatedWorld,
} from '../../src/hypervisor/simulated/world.ts';
import { busyClock } from './busy-clock.ts';

export const MEBIBYTE = 2 ** 20;

/** A directory that is removed when the test file is done. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'kgetplus-host-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A cache of files that somebody has put there. */
export interface StubCache extends ImageCache {
  put(bytes: Buffer): DeployedFile;
  readonly closed: boolean;
}

export function stubCache(directory: string): StubCache {
  const images = join(directory, 'images');
  mkdirSync(images, { recursive: true });
  const pathOf = (digest: string): string => join(images, digest);
  let closed = false;
  return {
    port: 4711,
    serveStored: async () => {},
    serveFile: async () => assert.fail('nothing is served'),
    present: async (files) =>
      files.map(({ digest }) => digest).filter((digest) => existsSync(pathOf(digest))),
    fetch: async () => assert.fail('nothing is fetched'),
    progress: () => [],
    pathOf,
    put(bytes) {
      const digest = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(pathOf(digest), bytes);
      return { digest, sizeBytes: bytes.length };
    },
    get closed() {
      return closed;
    },
    async close() {
      closed = true;
    },
  };
}

/** Boots in 1 s, runs its job for 10 s, and stays up. */
export const JOB_SCRIPT: GuestScript = {
  bootMs: 1000,
  steps: [
    { atMs: 0, kind: 'say', port: STATUS_PORT, line: 'ready' },
    { atMs: 0, kind: 'say', port: STATUS_PORT, line: 'started' },
    { atMs: 5000, kind: 'say', port: LOG_PORT, line: 'half' },
    { atMs: 10_000, kind: 'say', port: STATUS_PORT, line: 'exit 0' },
    { atMs: 11_000, kind: 'say', port: STATUS_PORT, line: 'outputs 10240' },
    { atMs: 11_000, kind: 'say', port: STATUS_PORT, line: 'done' },
  ],
  shutdownMs: 500,
  hasAgent: true,
  diskBytesPerSecond: 0,
  memoryBytesPerSecond: 0,
};

export type TestClock = ReturnType<typeof busyClock>;

export function newWorld(): { world: SimulatedWorld; clock: TestClock } {
  const clock = busyClock();
  return { world: simulatedWorld({ clock }), clock };
}

export interface TestHostOptions {
  readonly world: SimulatedWorld;
  readonly clock: Clock;
  readonly name?: string;
  readonly script?: GuestScript;
  readonly memoryLimitBytes?: number | null;
  readonly facts?: Partial<HostFacts>;
  readonly sharedDirectory?: string;
}

export const FACTS: HostFacts = {
  arch: 'x86_64',
  cpus: 4,
  memoryBytes: 8192 * MEBIBYTE,
  availableBytes: () => 8192 * MEBIBYTE,
  processesOf: () => [],
};

/** A simulated host, on which host agents can be started. */
export interface TestHost {
  readonly name: string;
  readonly directory: string;
  readonly simulated: SimulatedHost;
  readonly cache: StubCache;
  readonly notices: string[];
  readonly image: DeployedFile;
  wanted(name: string, more?: Partial<WantedVm>): WantedVm;
  /** Starts an agent, and configures it. */
  agent(wrap?: (hypervisor: Hypervisor) => Hypervisor): Promise<TestAgent>;
}

export interface TestAgent {
  call<Name extends keyof HostCalls>(
    name: Name,
    request: RequestOf<HostCalls, Name>,
  ): Promise<ResultOf<HostCalls, Name>>;
  /** Ends the channel, and resolves when the agent is gone. */
  leave(): Promise<void>;
  /** Resolves when the agent is gone. */
  readonly gone: Promise<void>;
}

const IDENTITY = { certificate: 'c', key: 'k', authority: 'a' };

/** Calls wait for nothing that takes long, but in virtual time. */
export const TERMS = { limitMs: 24 * 3600_000 };

export function testHost(options: TestHostOptions): TestHost {
  const { world, clock, name = 'node01', script = JOB_SCRIPT } = options;
  const simulated = world.addHost({
    name,
    memoryBytes: 1024 * 1024 * MEBIBYTE,
    diskBytesPerSecond: 100 * MEBIBYTE,
    linkBytesPerSecond: 100 * MEBIBYTE,
    pauseMs: 50,
    scriptOf: () => script,
  });
  // Its guests end before the directory goes.
  after(() => simulated.reset());
  const directory = join(temporaryDirectory(), 'node');
  const cache = stubCache(directory);
  const image = cache.put(Buffer.alloc(MEBIBYTE));
  const notices: string[] = [];
  return {
    name,
    directory,
    simulated,
    cache,
    notices,
    image,
    wanted: (vm, more = {}) => wantedVm(vm, { image, ...more }),
    async agent(wrap = (hypervisor) => hypervisor) {
      const [here, there] = memoryPair<CallMessage, AnswerMessage>({
        here: { schema: answerMessage, peer: 'the host agent' },
        there: { schema: callMessage, peer: 'the coordinator' },
      });
      const hypervisor = wrap(simulatedHypervisor({ host: simulated }));
      const gone = runHost({
        channel: there,
        clock,
        facts: { ...FACTS, ...options.facts },
        callerAddress: null,
        defaultDirectory: directory,
        hypervisors: { qemu: () => hypervisor, libvirt: () => hypervisor },
        openCache: async () => cache,
        stop: new AbortController().signal,
      });
      const calls = caller({
        channel: here,
        table: HOST_CALLS,
        clock,
        peer: `the host agent on ${name}`,
        onNotice: (text) => void notices.push(text),
      });
      await calls.call(
        'configure',
        {
          node: name,
          identity: IDENTITY,
          chunkSizeBytes: 131_072,
          directory: null,
          sharedDirectory: options.sharedDirectory ?? null,
          hypervisor: 'qemu',
          memoryLimitBytes: options.memoryLimitBytes ?? null,
        },
        TERMS,
      );
      return {
        call: (call, request) => calls.call(call, request, TERMS),
        gone,
        async leave() {
          calls.close();
          await gone;
        },
      };
    },
  };
}

export function wantedVm(
  name: string,
  { image, ...more }: { image: DeployedFile } & Partial<WantedVm>,
): WantedVm {
  return {
    name,
    job: 'job',
    arch: 'x86_64',
    cpus: 1,
    memoryBytes: 128 * MEBIBYTE,
    network: 'none',
    boot: { kind: 'disk' },
    disk: { file: image, format: 'raw', nbdUrl: null },
    task: {
      command: 'echo hello',
      environment: { A: 'b' },
      timeLimitSeconds: null,
      outputs: ['result.txt'],
      inputs: null,
      outputRoomBytes: MEBIBYTE,
    },
    ...more,
  };
}

/** An error of this code whose message matches. */
export function failure(code: ErrorCode, words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KgetError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  };
}
