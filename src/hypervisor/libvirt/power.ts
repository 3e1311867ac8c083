import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { Hypervisor } from '../hypervisor.ts';
import { confirmDisksInUse } from './backup.ts';
import { placesOf, type DriverContext } from './context.ts';
import { diskImage } from './disk-image.ts';
import { hasEnded, isActive } from './domain-state.ts';
import type { Domain, Domains } from './domains.ts';

/** Writing or reading the whole memory: 256 GiB at 100 MB/s. */
const MEMORY_LIMIT_MS = 3_600_000;

/** How often states are asked for, of all domains in one call. */
const WATCH_INTERVAL_MS = 500;
const SHUTDOWN_INTERVAL_MS = 200;

type PowerCalls = Pick<
  Hypervisor,
  'start' | 'stop' | 'shutdown' | 'pause' | 'resume' | 'suspend' | 'waitForExit'
>;

/** The calls that change whether a machine runs. */
export function powerCalls(context: DriverContext): PowerCalls {
  const { virsh, domains, clock } = context;
  const states = sharedStates(context);

  async function stop(name: string): Promise<void> {
    const domain = await domains.look(name);
    if (domain.state === 'suspended') await virsh.run(['managedsave-remove', name]);
    if (!isActive(domain.raw)) return;
    const answer = await virsh.attempt(['destroy', name]);
    // It may have ended by itself meanwhile.
    if (!answer.done && isActive((await domains.look(name)).raw)) {
      throw new KgetError('internal', `Cannot stop machine "${name}": ${answer.complaint}`);
    }
  }

  return {
    async start(name) {
      const domain = await domains.expect(name, ['defined', 'stopped'], 'start');
      await dropStrayBitmaps(context, domain);
      await virsh.run(['start', name]);
      if (!domain.record.started) await domains.remember(domain, { started: true });
    },
    stop,
    async shutdown(name, { limitMs }) {
      await domains.expect(name, ['running'], 'shut down');
      const endsAtMs = clock.nowMs() + limitMs;
      const asked = await virsh.attempt(['shutdown', name, '--mode', 'acpi']);
      while (asked.done) {
        const { state, exit } = await domains.look(name);
        if (state === 'stopped') return exit?.reason === 'guest' ? 'clean' : 'forced';
        if (state === 'panicked' || clock.nowMs() >= endsAtMs) break;
        await clock.sleep(Math.min(SHUTDOWN_INTERVAL_MS, endsAtMs - clock.nowMs()));
      }
      await stop(name);
      return 'forced';
    },
    async waitForExit(name, signal) {
      let { exit } = await domains.look(name);
      while (exit === null) {
        await clock.sleep(WATCH_INTERVAL_MS, signal);
        if (signal.aborted) {
          throw new KgetError('cancelled', `Stopped waiting for machine "${name}" on request`);
        }
        const raw = (await states()).get(name);
        if (raw === undefined || hasEnded(raw)) ({ exit } = await domains.look(name));
      }
      return exit;
    },
    async pause(name) {
      await domains.expect(name, ['running'], 'pause');
      await virsh.run(['suspend', name]);
    },
    async resume(name) {
      const { state } = await domains.expect(name, ['paused', 'suspended'], 'resume');
      await virsh.run([state === 'paused' ? 'resume' : 'start', name], MEMORY_LIMIT_MS);
    },
    async suspend(name) {
      const domain = await domains.expect(name, ['running', 'paused'], 'suspend');
      await confirmDisksInUse(context, domain);
      await virsh.run(['managedsave', name, '--running'], MEMORY_LIMIT_MS);
    },
  };
}

/** States of all domains, asked for at most once an interval, however many wait. */
function sharedStates({ domains, clock }: DriverContext): Domains['states'] {
  let latest: { readonly atMs: number; readonly states: ReturnType<Domains['states']> } | undefined;
  return async () => {
    const atMs = clock.nowMs();
    if (latest === undefined || atMs - latest.atMs >= WATCH_INTERVAL_MS) {
      latest = { atMs, states: domains.states() };
    }
    return latest.states;
  };
}

/**
 * A machine that was killed leaves bitmaps that QEMU does not trust, and never drops, and others
 * stay when libvirt could not remove them: they would pile up.
 */
async function dropStrayBitmaps(context: DriverContext, domain: Domain): Promise<void> {
  if (domain.record.snapshot === null || domain.record.disksElsewhere) return;
  const places = placesOf(context, domain.name);
  const overlays = domain.spec.disks.filter(({ access }) => access === 'copy-on-write');
  for (const { name } of domain.record.spec === null ? [] : overlays) {
    const { checkpoint } = domain.record.snapshot;
    for (const bitmap of await strayBitmaps(context.clock, places.overlay(name), checkpoint)) {
      await diskImage(context.clock, ['bitmap', '--remove', places.overlay(name), bitmap]);
    }
  }
}

async function strayBitmaps(clock: Clock, path: string, kept: string): Promise<readonly string[]> {
  const text = await diskImage(clock, ['info', '--output=json', path]);
  const bitmaps: unknown = JSON.parse(text)?.['format-specific']?.data?.bitmaps;
  if (!Array.isArray(bitmaps)) return [];
  return bitmaps.flatMap((bitmap: { name?: unknown; flags?: unknown }) => {
    const { name, flags } = bitmap;
    const isBroken = Array.isArray(flags) && flags.includes('in-use');
    return typeof name === 'string' && (isBroken || name !== kept) ? [name] : [];
  });
}
