import { toFailure } from '../../base/error.ts';
import type { JobPorts } from './ports.ts';
import type { SeenVm } from './survey.ts';

/** A host may have to wait for a guest, and then some. */
const ANSWER_MS = 30_000;

/** Has guests power off, and ends those that do not within the limit; others are ended later. */
export async function shutDownVms(
  seen: readonly SeenVm[],
  limitMs: number,
  ports: JobPorts,
): Promise<void> {
  // No guest hears the button in other states: their machines end when their nodes are cleaned.
  const awake = seen.filter(({ found: { state } }) => state === 'running' || state === 'paused');
  await Promise.all(
    awake.map(async ({ found, host }) => {
      const vm = found.name;
      try {
        const terms = { limitMs: limitMs + ANSWER_MS };
        const { how } = await host.caller.call('shutdown', { vm, limitMs }, terms);
        ports.record({ type: 'shut-down', vm, how });
        if (how === 'clean') return;
        ports.say(`${vm}: did not power off within ${limitMs / 1000} s, and was ended by force`);
      } catch (error) {
        // It is ended by force when its node is cleaned.
        ports.say(`${vm}: cannot be shut down: ${toFailure(error).message}`);
      }
    }),
  );
}
