import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { outputOf } from '../lab/gather.ts';
import type { Lab } from '../lab/lab.ts';
import { checkRound } from './check-round.ts';
import { startCommand, type CommandEnd } from './command.ts';
import { mountDisks } from './disks.ts';
import { clearField } from './field.ts';
import { prepareHook, watchReleases } from './hook.ts';
import { layScenario, type SourceImage } from './images.ts';
import { nextCommand } from './next-command.ts';
import type { Scenario } from './scenario.ts';
import { heal, strike, type Strike, type Victims } from './strike.ts';

/** Tries to bring a gather to its end after the first. */
const MAX_RESUMES = 5;
/** A command that runs longer hangs. */
const LIMIT_SECONDS = 240;
/** What a run takes besides moving bytes: agents start, and leave. */
const START_SECONDS = 2.5;

/** Where rounds take place. */
export interface Field {
  readonly lab: Lab;
  readonly rate: string;
  readonly slowRate: string;
  readonly bytesPerSecond: number;
  /** Where logs and the files of small file systems go; of this round only. */
  readonly directory: string;
  /** Words for every gather, such as shorter time limits. */
  readonly gatherWords: readonly string[];
  /** Whether there is `kgetplus resume`; else the same gather goes on. */
  readonly hasResume: boolean;
  /** Called when something was not as it must be, while all is still as the round left it. */
  onProblems(problems: readonly string[]): Promise<void>;
}

/** How a round went. */
export interface RoundOutcome {
  readonly scenario: Scenario;
  readonly strikes: readonly Strike[];
  readonly commands: readonly CommandEnd[];
  /** From the beginning of the first command to the end of the last; all pauses count. */
  readonly seconds: number;
  /** `performance.now()` at that end. */
  readonly doneMs: number;
  /** How long something still ran on a host after that. */
  readonly lingerSeconds: number;
  /** What was not as it must be; nothing if all was well. */
  readonly problems: readonly string[];
}

/** Plays one round on a lab that is left as it is, for a look at it: `clearField` cleans up. */
export async function runRound(field: Field, scenario: Scenario): Promise<RoundOutcome> {
  const { lab } = field;
  await clearField(lab, field.rate);
  const sources = await layScenario(lab, scenario);
  prepareHook(lab, scenario);
  mkdirSync(outputOf(lab));
  await using disks = await mountDisks(lab, scenario, field.directory);
  const watch = watchReleases(lab, scenario, sources);
  const done = new AbortController();
  const { signal } = done;
  const victims: Victims = { ...field, ...disks, givenBack: watch.givenBack, done: signal };
  const strikes: Strike[] = [];
  const commands: CommandEnd[] = [];
  const begunMs = performance.now();
  while (commands.length <= MAX_RESUMES) {
    const words = nextCommand(field, scenario, commands);
    if (words === undefined) break;
    // The first try to go on is made at once, others when links are up again.
    if (commands.length > 1) await Promise.all(strikes.map(({ over }) => over));
    const number = commands.length + 1;
    const log = join(field.directory, `command-${number}.log`);
    const running = startCommand(lab, words, { log, limitSeconds: LIMIT_SECONDS });
    const striking = strikeAll(scenario, {
      number,
      victims,
      expectedSeconds: expected(field, sources),
    });
    commands.push(await running.ended);
    strikes.push(...(await striking.end()));
  }
  const doneMs = performance.now();
  done.abort();
  const released = await watch.end();
  await Promise.all(strikes.map(({ over }) => over));
  const checked = await checkRound({ ...field, scenario, sources, strikes, commands });
  const problems = [...released, ...checked.problems];
  if (problems.length > 0) await field.onProblems(problems);
  return {
    scenario,
    strikes,
    commands,
    seconds: (doneMs - begunMs) / 1000,
    doneMs,
    lingerSeconds: checked.lingerSeconds,
    problems,
  };
}

/** Seconds that an undisturbed run takes, about. */
function expected({ bytesPerSecond }: Field, sources: readonly SourceImage[]): number {
  const bytes = sources
    .filter(({ name }) => name !== 'hole.img')
    .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return START_SECONDS + bytes / bytesPerSecond;
}

/** Has the faults of one command strike in their time, until it has ended. */
function strikeAll(
  { faults }: Scenario,
  run: { readonly number: number; readonly victims: Victims; readonly expectedSeconds: number },
): { end(): Promise<readonly Strike[]> } {
  const ended = new AbortController();
  const due = faults.filter(({ command }) => command === run.number);
  const striking = due.map(async (fault): Promise<Strike> => {
    try {
      const delayMs = fault.moment * run.expectedSeconds * 1000;
      await sleep(delayMs, undefined, { signal: ended.signal });
    } catch {
      return { drawn: fault, fault, struckMs: undefined, over: Promise.resolve() };
    }
    return strike(fault, run.victims);
  });
  return {
    async end() {
      ended.abort();
      const strikes = await Promise.all(striking);
      for (const { fault } of strikes) await heal(fault, run.victims);
      return strikes;
    },
  };
}
