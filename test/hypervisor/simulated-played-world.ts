import assert from 'node:assert/strict';
import { KgetError } from '../../src/base/error.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Hypervisor, VmFacts } from '../../src/hypervisor/hypervisor.ts';
import { faultyHypervisor, type Fault } from '../../src/hypervisor/simulated/faulty.ts';
import type { GuestScript } from '../../src/hypervisor/simulated/guest.ts';
import { simulatedHypervisor } from '../../src/hypervisor/simulated/simulated.ts';
import { simulatedWorld, type SimulatedHost } from '../../src/hypervisor/simulated/world.ts';
import { uniformOf } from '../../src/simulator/chance.ts';
import { idleClock } from '../coordinator/idle-clock.ts';
import { HOST } from './simulated-fixture.ts';
import { idleGuest, jobGuest } from './simulated-guests.ts';

export const MACHINE_BYTES = 128 * 2 ** 20;
/** Three machines fit: two of its own, and one that comes. */
const HOST_BYTES = 3.5 * MACHINE_BYTES;
/** After which a call that hangs throws. */
export const FAULT_LIMIT_MS = 10_000;
const FAULTS_ONE_IN = 8;
/** All hosts are looked at now and then: each time would take long. */
const CHECK_EVERY_CALLS = 64;

const ALLOWED = new Set(['usage', 'no-room', 'unreachable', 'timeout', 'cancelled']);

/** All hosts, and what was seen of all calls. */
export interface PlayedWorld {
  readonly clock: Clock;
  readonly hosts: readonly SimulatedHost[];
  readonly checked: Checked;
  readonly directory: string;
  readonly seed: number;
  /** As somebody has it who is far away: with faults. */
  readonly drivers: ReadonlyMap<SimulatedHost, Hypervisor>;
}

export interface Checked {
  readonly counts: ReadonlyMap<string, number>;
  /** Makes a call that may take so long, and a fault's time; undefined if it fails as it may. */
  call<T>(name: string, limitMs: number, run: () => Promise<T>): Promise<T | undefined>;
  /** Throws the first thing that should never happen, if it did. */
  assertAll(): void;
}

export function playedWorld(options: {
  readonly hosts: number;
  readonly directory: string;
  readonly seed: number;
}): PlayedWorld {
  const { directory, seed } = options;
  const clock = idleClock();
  const world = simulatedWorld({ clock });
  const hosts = Array.from({ length: options.hosts }, (_, number) =>
    world.addHost({
      ...HOST,
      name: `node${number}`,
      memoryBytes: HOST_BYTES,
      scriptOf: ({ name }) => scriptOf(`${seed} ${name}`),
    }),
  );
  const drivers = new Map(
    hosts.map((host): [SimulatedHost, Hypervisor] => {
      const chance = uniformOf(`faults ${seed} ${host.name}`);
      const inner = simulatedHypervisor({ host });
      const faultOf = (): Fault | undefined => faultBy(chance);
      return [host, faultyHypervisor(inner, { clock, limitMs: FAULT_LIMIT_MS, faultOf })];
    }),
  );
  return { clock, hosts, drivers, directory, seed, checked: checkCalls(clock, hosts) };
}

function faultBy(chance: () => number): Fault | undefined {
  if (chance() * FAULTS_ONE_IN >= 1) return undefined;
  const faults: readonly Fault[] = [
    { kind: 'throws', code: 'unreachable' },
    { kind: 'hangs' },
    { kind: 'unanswered' },
    { kind: 'late', delayMs: 3000 },
  ];
  return faults[Math.floor(chance() * faults.length)];
}

function scriptOf(text: string): GuestScript {
  const chance = uniformOf(`guest ${text}`);
  const runMs = Math.ceil(chance() * 60_000);
  const scripts: readonly GuestScript[] = [
    jobGuest({ runMs, end: { kind: 'exit', status: 0 } }),
    jobGuest({ runMs, end: { kind: 'exit', status: 1 } }),
    jobGuest({ runMs, end: { kind: 'panic' } }),
    jobGuest({ runMs, end: { kind: 'hang' } }),
    idleGuest({ bootMs: null }),
    idleGuest({ memoryBytesPerSecond: 2 * HOST.linkBytesPerSecond }),
    idleGuest({ steps: [{ kind: 'power-off', atMs: runMs }] }),
  ];
  return scripts[Math.floor(chance() * scripts.length)] ?? idleGuest();
}

function checkCalls(clock: Clock, hosts: readonly SimulatedHost[]): Checked {
  const counts = new Map<string, number>();
  const wrong: unknown[] = [];

  /** What is true at any time, of all hosts together. */
  function checkHosts(): void {
    const active = new Set<string>();
    for (const host of hosts) {
      assert.ok(host.usedMemoryBytes() <= host.memoryBytes, `memory of ${host.name}`);
      for (const [name, { state }] of host.machines) {
        if (state !== 'running' && state !== 'paused') continue;
        assert.ok(!active.has(name), `${name} is active on two hosts`);
        active.add(name);
      }
    }
  }

  let calls = 0;
  async function run<T>(name: string, limitMs: number, call: () => Promise<T>) {
    const startedMs = clock.nowMs();
    let as = 'ok';
    let result: T | undefined;
    try {
      result = await call();
    } catch (error) {
      as = error instanceof KgetError ? error.code : String(error);
      if (!(error instanceof KgetError) || !ALLOWED.has(error.code)) wrong.push(error);
    }
    counts.set(`${name} ${as}`, (counts.get(`${name} ${as}`) ?? 0) + 1);
    try {
      const tookMs = clock.nowMs() - startedMs;
      assert.ok(tookMs <= limitMs + FAULT_LIMIT_MS + 1, `${name} took ${tookMs} ms`);
      calls += 1;
      if (calls % CHECK_EVERY_CALLS === 0) checkHosts();
    } catch (error) {
      wrong.push(error);
    }
    return result;
  }

  return {
    counts,
    call: run,
    assertAll() {
      checkHosts();
      if (wrong.length > 0) throw wrong[0];
    },
  };
}

/** What can be said for certain of a machine at any time. */
export function assertDefinite({ state, exit }: VmFacts): void {
  const hasEnded = state === 'stopped' || state === 'panicked';
  assert.equal(exit !== null, hasEnded, `${state}, and its end is ${exit?.reason}`);
}
