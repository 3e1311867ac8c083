import { strayProcesses, signalAll } from './field.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Lab } from '../lab/lab.ts';
import { checkCopies, checkSources } from './check-copies.ts';
import { checkCounted } from './check-counted.ts';
import { checkLeftovers } from './check-leftovers.ts';
import { checkReport } from './check-report.ts';
import type { CommandEnd } from './command.ts';
import type { SourceImage } from './images.ts';
import type { Scenario } from './scenario.ts';
import type { Strike } from './strike.ts';

/** How long an agent may stay that was cut off: it waits for its coordinator. */
const LINGER_LIMIT_MS = 90_000;
const POLL_MS = 100;

/** A round whose commands have ended. */
export interface PlayedRound {
  readonly lab: Lab;
  /** Where logs go. */
  readonly directory: string;
  readonly scenario: Scenario;
  readonly sources: readonly SourceImage[];
  readonly strikes: readonly Strike[];
  readonly commands: readonly CommandEnd[];
}

/** Looks for everything that is not as it must be after a round; waits for agents to be gone. */
export async function checkRound(
  round: PlayedRound,
): Promise<{ readonly problems: readonly string[]; readonly lingerSeconds: number }> {
  const endings = round.commands.flatMap((command, index) => endingProblem(command, index + 1));
  const last = round.commands.at(-1)?.exitCode;
  const isDone = last === 0 || /Nothing to resume/.test(round.commands.at(-1)?.stderr ?? '');
  if (!isDone) endings.push(`not done after ${round.commands.length} commands: exit code ${last}`);
  const begunMs = performance.now();
  const strays = await awaitStrays(round.lab);
  const lingerSeconds = (performance.now() - begunMs) / 1000;
  const problems = [
    ...endings,
    ...strays.map((stray) => `still runs: ${stray}`),
    ...checkSources(round),
    ...(isDone ? [...(await checkCopies(round)), ...checkReport(round)] : []),
    ...(isDone ? checkLeftovers(round) : []),
    ...checkCounted(round),
  ];
  return { problems, lingerSeconds };
}

/** Exit codes that a gather with faults may have; one that was killed has 128 and the signal. */
function endingProblem(command: CommandEnd, number: number): readonly string[] {
  const { exitCode, late, seconds, stderr } = command;
  if (late) return [`command ${number} did not end within ${Math.round(seconds)} s`];
  if (exitCode !== null && [0, 3, 4, 137].includes(exitCode)) return [];
  if (exitCode === 2 && /Nothing to resume/.test(stderr)) return [];
  return [`command ${number} ended with ${exitCode}: ${stderr.trim().split('\n').at(-1)}`];
}

/** Waits until nothing runs on the hosts; what does not go is killed, and returned. */
async function awaitStrays(lab: Lab): Promise<readonly string[]> {
  const deadline = performance.now() + LINGER_LIMIT_MS;
  for (;;) {
    const strays = strayProcesses(lab);
    if (strays.length === 0) return [];
    if (performance.now() > deadline) {
      signalAll(
        strays.map((stray) => Number(stray.split(' ')[1])),
        'SIGKILL',
      );
      return strays;
    }
    await sleep(POLL_MS);
  }
}
