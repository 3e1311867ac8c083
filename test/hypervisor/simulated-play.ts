import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Hypervisor, VmFacts } from '../../src/hypervisor/hypervisor.ts';
import type { SimulatedHost } from '../../src/hypervisor/simulated/world.ts';
import { uniformOf } from '../../src/simulator/chance.ts';
import { specOf } from './simulated-fixture.ts';
import {
  assertDefinite,
  FAULT_LIMIT_MS,
  MACHINE_BYTES,
  type PlayedWorld,
} from './simulated-played-world.ts';

export type { Checked } from './simulated-played-world.ts';

const SHUTDOWN_LIMIT_MS = 4000;
const MIGRATION_LIMIT_MS = 8000;
const FREEZE = { limitMs: 3000, holdMs: 5000 };
const SNAPSHOT_LIMIT_MS = 1000;
/** With a fault in one call of eight: it does not happen that all of them fail. */
const MAX_TRIES = 12;

interface Player {
  readonly world: PlayedWorld;
  readonly name: string;
  readonly chance: () => number;
  /** Where the machine is. */
  host: SimulatedHost;
}

/** The life of the machines of a host: some calls each, and then they are removed. */
export async function playHost(
  world: PlayedWorld,
  terms: { readonly host: SimulatedHost; readonly machines: number; readonly steps: number },
): Promise<void> {
  const { host, machines, steps } = terms;
  const lives = Array.from({ length: machines }, async (_, number) => {
    const name = `${host.name}.${number}`;
    const chance = uniformOf(`life ${world.seed} ${name}`);
    const player: Player = { world, name, chance, host };
    const stop = new AbortController();
    await insist(player, 'create', async () => {
      const spec = specOf(name, { directory: world.directory, memoryBytes: MACHINE_BYTES });
      if (!host.machines.has(name)) await driverOf(player).create(spec);
    });
    const ended = await awaitEnd(player, stop.signal);
    for (let step = 0; step < steps; step += 1) {
      await takeStep(player);
      assertThere(player);
    }
    await insist(player, 'remove', () => driverOf(player).remove(name));
    stop.abort();
    await ended.settled;
  });
  await Promise.all(lives);
}

function driverOf({ world, host }: Player): Hypervisor {
  const driver = world.drivers.get(host);
  assert.ok(driver !== undefined);
  return driver;
}

/** Waits for its end where it was made: a wait that nothing ends would hold up the test. */
async function awaitEnd({ world, host, name }: Player, signal: AbortSignal) {
  const driver = world.drivers.get(host);
  const waiting = driver?.waitForExit(name, signal).catch(() => undefined);
  return { settled: waiting };
}

/** Until it is done, as somebody must who is responsible for the machine. */
async function insist<T>(player: Player, name: string, run: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    // Of two calls each may have a fault.
    const done = await player.world.checked.call(name, FAULT_LIMIT_MS, async () => ({
      result: await run(),
    }));
    if (done !== undefined) return done.result;
  }
  return assert.fail(`${name} of ${player.name} failed ${MAX_TRIES} times`);
}

/** It is on one host that knows what has become of it. */
function assertThere({ world, name }: Player): void {
  const found = world.hosts.filter(({ machines }) => machines.has(name));
  assert.ok(found.length > 0, `${name} is lost`);
}

async function takeStep(player: Player): Promise<void> {
  const { world, name } = player;
  const driver = driverOf(player);
  const call = <T>(what: string, limitMs: number, run: () => Promise<T>) =>
    world.checked.call(what, limitMs, run);
  await world.clock.sleep(player.chance() * 2000);
  const facts = await call('look', 0, () => driver.look(name));
  if (facts === undefined) return;
  assertDefinite(facts);
  switch (pickStep(facts, player.chance())) {
    case 'start':
      return call('start', 0, () => driver.start(name));
    case 'resume':
      return call('resume', 0, () => driver.resume(name));
    case 'pause':
      return call('pause', 0, () => driver.pause(name));
    case 'suspend':
      return call('suspend', 0, () => driver.suspend(name));
    case 'stop':
      return call('stop', 0, () => driver.stop(name));
    case 'shutdown': {
      const limitMs = SHUTDOWN_LIMIT_MS;
      return void (await call('shutdown', limitMs, () => driver.shutdown(name, { limitMs })));
    }
    case 'snapshot':
      return takeSnapshot(player);
    case 'migrate':
      return moveOn(player);
  }
}

type Step = 'start' | 'resume' | 'pause' | 'suspend' | 'stop' | 'shutdown' | 'snapshot' | 'migrate';

function pickStep({ state }: VmFacts, at: number): Step {
  const steps: Readonly<Record<VmFacts['state'], readonly Step[]>> = {
    defined: ['start'],
    running: ['pause', 'suspend', 'snapshot', 'migrate', 'migrate', 'migrate', 'shutdown'],
    paused: ['resume', 'resume', 'snapshot', 'suspend', 'start'],
    incoming: ['stop'],
    suspended: ['resume', 'resume', 'resume', 'stop'],
    stopped: ['start', 'start', 'start', 'pause'],
    panicked: ['stop'],
  };
  return steps[state][Math.floor(at * steps[state].length)] ?? 'stop';
}

async function takeSnapshot(player: Player): Promise<void> {
  const { world, name, host } = player;
  const driver = driverOf(player);
  const directory = join(world.directory, `${host.name} ${name}`);
  const memory = player.chance() < 0.5;
  const request = { directory, memory, leavePaused: false, full: false };
  await world.checked.call('freeze', FREEZE.limitMs, () => driver.freeze(name, FREEZE));
  const underWay = await world.checked.call('beginSnapshot', host.pauseMs, () =>
    driver.beginSnapshot(name, request),
  );
  await world.checked.call('thaw', 0, () => driver.thaw(name));
  await world.checked.call('finished', SNAPSHOT_LIMIT_MS, async () => underWay?.finished);
}

/** To the next host: wherever it is cut off, the machine is on one of both, and can go on. */
async function moveOn(player: Player): Promise<void> {
  const { world, name, host } = player;
  const { checked, hosts } = world;
  const next = hosts[(hosts.indexOf(host) + 1) % hosts.length] ?? host;
  const there = world.drivers.get(next);
  const here = driverOf(player);
  assert.ok(there !== undefined);
  const spec = specOf(name, { directory: world.directory, memoryBytes: MACHINE_BYTES });
  const incoming = { address: next.name, sharedStorage: false };
  const endpoint = await checked.call('prepareMigration', 0, () =>
    there.prepareMigration(spec, incoming),
  );
  const moved =
    endpoint === undefined
      ? undefined
      : await checked.call('migrate', MIGRATION_LIMIT_MS, () =>
          here.migrate(name, endpoint, {
            sharedStorage: false,
            limitMs: MIGRATION_LIMIT_MS,
            downtimeLimitMs: 300,
            bytesPerSecond: null,
            signal: new AbortController().signal,
          }),
        );
  if (moved === undefined && !(await hasLeft(player))) {
    return insist(player, 'abandonMigration', () => there.abandonMigration(name));
  }
  await insist(player, 'finishMigration', async () => {
    const { state } = await there.look(name);
    if (state === 'incoming') await there.finishMigration(name);
  });
  player.host = next;
  await insist(player, 'remove', () => here.remove(name));
}

/** Whether the source says that the machine is elsewhere: `migrate` may have been unanswered. */
async function hasLeft(player: Player): Promise<boolean> {
  const { exit } = await insist(player, 'look', () => driverOf(player).look(player.name));
  return exit?.detail.startsWith('it has moved') ?? false;
}
