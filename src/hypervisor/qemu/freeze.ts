import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as z from 'zod/mini';
import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { FreezeOptions } from '../hypervisor.ts';
import { openAgent, withAgent, type AgentSession } from './agent.ts';
import type { Machine } from './machine.ts';
import { processOf } from './process.ts';

/** For the agent of a frozen guest, which has nothing else to do. */
const THAW_LIMIT_MS = 15_000;
const THAW_ATTEMPTS = 3;
/** How long the session stays open that a guest was frozen in. */
const SESSION_LIMIT_MS = 5000;
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

interface Frozen {
  /** Stays open until the guest is thawed. */
  readonly session: AgentSession;
  /** Aborted when somebody thaws it before its time. */
  readonly timer: AbortController;
}

export function freezer(): Freezer {
  /** Guests that were frozen here, by directory. */
  const frozen = new Map<string, Frozen>();

  /** From here on nobody but the caller thaws the guest; the session that it was frozen in. */
  function takeOver({ places }: Machine): AgentSession | undefined {
    const found = frozen.get(places.directory);
    found?.timer.abort();
    frozen.delete(places.directory);
    return found?.session;
  }

  async function thaw(machine: Machine): Promise<void> {
    let session = takeOver(machine);
    const { places } = machine;
    if (!existsSync(places.frozen)) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await askToThaw(machine, { session, limitMs: THAW_LIMIT_MS });
        break;
      } catch (error) {
        // A machine that is gone is not frozen.
        if (processOf(places) === undefined) break;
        if (attempt === THAW_ATTEMPTS) throw error;
        session = undefined;
      }
    }
    rmSync(places.frozen, { force: true });
  }

  async function thawLater(machine: Machine, holdMs: number, timer: AbortSignal): Promise<void> {
    await machine.host.clock.sleep(holdMs, timer);
    if (!timer.aborted) await thaw(machine);
  }

  return {
    thaw,
    async freeze(machine, { limitMs, holdMs, onAsked }) {
      takeOver(machine)?.close();
      const { host, places, title } = machine;
      let session: AgentSession;
      try {
        session = await openAgent({ path: places.agent, clock: host.clock, title, limitMs });
      } catch (error) {
        if (isSilence(error)) return false;
        throw error;
      }
      try {
        // Before it is frozen: nobody is to be left so if this process ends here.
        const until = uptimeSeconds() + holdMs / 1000;
        writeFileSync(places.frozen, `${JSON.stringify({ untilSeconds: until })}\n`);
        onAsked?.();
        await session.ask('guest-fsfreeze-freeze', limitMs);
      } catch (error) {
        session.close();
        // It may still freeze.
        await thaw(machine);
        if (isSilence(error)) return false;
        throw error;
      }
      const timer = new AbortController();
      frozen.set(places.directory, { session, timer });
      void hangUpLater(session, host.clock, timer.signal);
      // Failing to thaw is no reason to end; the file stays, and `look` tries again.
      thawLater(machine, holdMs, timer.signal).catch(() => undefined);
      return true;
    },
    async thawForgotten(machine) {
      const { places } = machine;
      if (frozen.has(places.directory) || !existsSync(places.frozen)) return;
      const found = held.safeParse(readJson(places.frozen));
      if (found.success && uptimeSeconds() < found.data.untilSeconds) return;
      if (processOf(places) !== undefined) {
        await askToThaw(machine, { session: undefined, limitMs: LATE_THAW_LIMIT_MS });
      }
      rmSync(places.frozen, { force: true });
    },
  };
}

/** Others must be able to thaw the guest, too: a cut takes less, or is in trouble. */
async function hangUpLater(session: AgentSession, clock: Clock, timer: AbortSignal): Promise<void> {
  await clock.sleep(SESSION_LIMIT_MS, timer);
  if (!timer.aborted) session.close();
}

/** In the session that the guest was frozen in if there is one: to begin another one takes time. */
async function askToThaw(
  { host, places, title }: Machine,
  { session, limitMs }: { readonly session: AgentSession | undefined; readonly limitMs: number },
): Promise<void> {
  if (session === undefined) {
    const options = { path: places.agent, clock: host.clock, title, limitMs };
    await withAgent(options, async ({ ask }) => ask('guest-fsfreeze-thaw', limitMs));
    return;
  }
  try {
    await session.ask('guest-fsfreeze-thaw', limitMs);
  } finally {
    session.close();
  }
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
