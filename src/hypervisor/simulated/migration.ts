import { KgetError } from '../../base/error.ts';
import type { MigrationEndpoint, MigrationFigures, MigrationOptions } from '../hypervisor.ts';
import { ownBytes } from './disk.ts';
import { endGuest, holdMachine, requireState, type SimulatedMachine } from './machine.ts';
import { runMachine, settleMachine } from './progress.ts';
import { machineOf, type SimulatedHost } from './world.ts';

/** How often is looked whether what is left can be sent in the pause that is allowed. */
const MIN_ROUND_MS = 10;

/**
 * See `Hypervisor.migrate`. In rounds, as QEMU does it: all is sent, then what was written
 * meanwhile, until so little is left that it can be sent in the pause.
 */
export async function migrate(
  host: SimulatedHost,
  machine: SimulatedMachine,
  { endpoint, options }: { endpoint: MigrationEndpoint; options: MigrationOptions },
): Promise<MigrationFigures> {
  requireState(machine, 'migrate', ['running']);
  const { clock, spec, session } = machine;
  const { signal } = options;
  const startedMs = clock.nowMs();
  const bytesPerMs = Math.min(host.linkBytesPerSecond, options.bytesPerSecond ?? Infinity) / 1000;
  const [root] = options.sharedStorage ? [] : machine.disks.values();
  targetOf(host, { spec, endpoint });

  let leftBytes = spec.memoryBytes;
  if (!options.sharedStorage)
    for (const disk of machine.disks.values()) leftBytes += ownBytes(disk);
  let movedBytes = 0;
  while (leftBytes / bytesPerMs > options.downtimeLimitMs) {
    const overMs = startedMs + options.limitMs - clock.nowMs();
    const roundMs = Math.max(MIN_ROUND_MS, leftBytes / bytesPerMs);
    const writtenBefore = root?.writtenBytes ?? 0;
    await clock.sleep(Math.min(roundMs, overMs), signal);
    if (signal.aborted) throw refusal(spec.name, 'cancelled', 'stopped on request');
    settleMachine(machine);
    if (machine.session !== session || machine.state !== 'running') {
      throw refusal(spec.name, 'cancelled', `it is ${machine.state}`);
    }
    if (roundMs >= overMs) {
      const found = `${leftBytes} B were left after ${options.limitMs} ms: it did not converge`;
      throw refusal(spec.name, 'timeout', found);
    }
    movedBytes += leftBytes;
    const dirtied = (roundMs * machine.script.memoryBytesPerSecond) / 1000;
    const written = (root?.writtenBytes ?? 0) - writtenBefore;
    leftBytes = Math.min(spec.memoryBytes, dirtied) + written;
  }
  const downtimeMs = leftBytes / bytesPerMs;
  if (clock.nowMs() + downtimeMs > startedMs + options.limitMs) {
    await clock.sleep(startedMs + options.limitMs - clock.nowMs(), signal);
    if (signal.aborted) throw refusal(spec.name, 'cancelled', 'stopped on request');
    throw refusal(spec.name, 'timeout', `it takes more than ${options.limitMs} ms`);
  }
  await switchOver(machine, { endpoint, host, downtimeMs });
  movedBytes += leftBytes;
  return { totalMs: clock.nowMs() - startedMs, downtimeMs, movedBytes };
}

/** The end: the machine stands still here, then it is there, and here no more. */
async function switchOver(
  machine: SimulatedMachine,
  facts: {
    readonly endpoint: MigrationEndpoint;
    readonly host: SimulatedHost;
    readonly downtimeMs: number;
  },
): Promise<void> {
  const { host, endpoint, downtimeMs } = facts;
  const { spec, session, clock } = machine;
  holdMachine(machine, 'paused');
  await clock.sleep(downtimeMs);
  if (machine.session !== session || machine.state !== 'paused') {
    throw refusal(spec.name, 'cancelled', `it is ${machine.state}`);
  }
  settleMachine(machine);
  let target: SimulatedMachine;
  try {
    target = targetOf(host, { spec, endpoint });
  } catch (error) {
    runMachine(machine);
    throw error;
  }
  target.memory = machine.memory;
  for (const [name, { writtenBytes }] of machine.disks) {
    const disk = target.disks.get(name);
    if (disk !== undefined) disk.writtenBytes = writtenBytes;
  }
  target.hasArrived = true;
  endGuest(machine, { reason: 'stopped', detail: `it has moved to ${String(endpoint['host'])}` });
}

/** The machine that waits there. @throws KgetError `unreachable` if it does not, any more */
function targetOf(
  host: SimulatedHost,
  { spec, endpoint }: { spec: SimulatedMachine['spec']; endpoint: MigrationEndpoint },
): SimulatedMachine {
  const there = host.world.hosts.get(String(endpoint['host']));
  const found = `nobody waits for it on ${String(endpoint['host'])}`;
  if (there?.machines.has(spec.name) !== true) throw refusal(spec.name, 'unreachable', found);
  const machine = machineOf(there.machines, spec.name);
  const isTheOne = machine.session === endpoint['session'] && machine.state === 'incoming';
  if (!isTheOne || machine.hasArrived) throw refusal(spec.name, 'unreachable', found);
  return machine;
}

function refusal(
  name: string,
  code: 'cancelled' | 'timeout' | 'unreachable',
  found: string,
): KgetError {
  return new KgetError(code, `Cannot migrate machine "${name}": ${found}; it runs on where it was`);
}
