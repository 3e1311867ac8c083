import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { FreezeOptions } from '../hypervisor.ts';
import { withAgent } from './agent.ts';
import type { Machine } from './machine.ts';
import { processOf } from './process.ts';

/** For the agent of a frozen guest, which has nothing else to do. */
const THAW_LIMIT_MS = 15_000;
const THAW_ATTEMPTS = 3;
/** For a look at a machine that another process has left frozen. */
const LATE_THAW_LIMIT_MS = 3000;

const held = z.object({ untilSeconds: z.number() });

/** Freezes guests, and sees to it that none stays so. */
export interface Freezer {
  freeze(machine: Machine, options: FreezeOptions): Promise<boolean>;
  thaw(machine: Machine): Promise<void>;
  /** Thaws a guest that whoever froze it has left frozen. */
  thawForgotten(machine: Machine): Promise<void>;
}

export function freezer(): Freezer {
  /** Timers of guests that were frozen here, by directory. */
  const timers = new Map<string, AbortController>();

  function endTimer(machine: Machine): void {
    timers.get(machine.places.directory)?.abort();
    timers.delete(machine.places.directory);
  }

  async function thaw(machine: Machine): Promise<void> {
    endTimer(machine);
    const { places } = machine;
    if (!existsSync(places.frozen)) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await askToThaw(machine, THAW_LIMIT_MS);
        break;
      } catch (error) {
        // A machine that is gone is not frozen.
        if (processOf(places) === undefined) break;
        if (attempt === THAW_ATTEMPTS) throw error;
      }
    }
    rmSync(places.frozen, { force: true });
  }

  async function thawLater(machine: Machine, holdMs: number): Promise<void> {
    const timer = new AbortController();
    timers.set(machine.places.directory, timer);
    await machine.host.clock.sleep(holdMs, timer.signal);
    if (!timer.signal.aborted) await thaw(machine);
  }

  return {
    thaw,
    async freeze(machine, { limitMs, holdMs }) {
      endTimer(machine);
      const { host, places, title } = machine;
      let isAsked = false;
      try {
        const options = { path: places.agent, clock: host.clock, title, limitMs };
        await withAgent(options, async (ask) => {
          // Before it is frozen: nobody is to be left so if this process ends here.
          const until = uptimeSeconds() + holdMs / 1000;
          writeFileSync(places.frozen, `${JSON.stringify({ untilSeconds: until })}\n`);
          isAsked = true;
          await ask('guest-fsfreeze-freeze');
        });
      } catch (error) {
        if (!isAsked) {
          if (isSilence(error)) return false;
          throw error;
        }
        // It may still freeze.
        await thaw(machine);
        if (isSilence(error)) return false;
        throw error;
      }
      // Failing to thaw is no reason to end; the file stays, and `look` tries again.
      thawLater(machine, holdMs).catch(() => undefined);
      return true;
    },
    async thawForgotten(machine) {
      const { places } = machine;
      if (timers.has(places.directory) || !existsSync(places.frozen)) return;
      const found = held.safeParse(readJson(places.frozen));
      if (found.success && uptimeSeconds() < found.data.untilSeconds) return;
      if (processOf(places) !== undefined) await askToThaw(machine, LATE_THAW_LIMIT_MS);
      rmSync(places.frozen, { force: true });
    },
  };
}

async function askToThaw({ host, places, title }: Machine, limitMs: number): Promise<void> {
  const options = { path: places.agent, clock: host.clock, title, limitMs };
  await withAgent(options, async (ask) => ask('guest-fsfreeze-thaw'));
}

/** No agent answers: it is not there, not yet, or of no use. */
function isSilence(error: unknown): boolean {
  const silent = ['timeout', 'unreachable', 'protocol'];
  return error instanceof KgetError && silent.includes(error.code);
}

/** Seconds since the host booted: the same for all its processes (proc(5), uptime). */
function uptimeSeconds(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
