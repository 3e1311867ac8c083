import { InvalidArgumentError, Option, type Command } from 'commander';
import { KgetError } from '../base/error.ts';
import { formatTimeSpan, parseTimeSpan } from '../base/time-span.ts';
import { RUN_LIMITS, type RunLimits } from '../coordinator/limits.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const STALL = { fromMs: SECOND_MS, toMs: HOUR_MS };
/** Hosts under load may take seconds to answer. */
const AGENT = { fromMs: 5 * SECOND_MS, toMs: HOUR_MS };
/** An agent may take a minute to start, and so may a release command. */
const GIVE_UP = { fromMs: 2 * MINUTE_MS, toMs: 24 * HOUR_MS };
/** Agents that wait for a coordinator keep what they know, and cost a little memory. */
const ORPHAN = { fromMs: 0, toMs: 24 * HOUR_MS };
/** Where the user does not say, the run waits for so many of its other limits. */
const GIVE_UP_LIMITS = 4;

/** What `gather` was told of how long it waits for others, in milliseconds. */
export interface TimeLimitOptions {
  readonly stallTimeout: number;
  readonly agentTimeout: number;
  readonly giveUpAfter?: number;
  readonly orphanTimeout: number;
}

/** Declares the options that say how long a run waits for others. */
export function addTimeLimitOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--stall-timeout <time>', 'give a transfer up that stands still for so long')
        .argParser(readSpan(STALL))
        .default(RUN_LIMITS.stallMs, formatTimeSpan(RUN_LIMITS.stallMs)),
    )
    .addOption(
      new Option('--agent-timeout <time>', 'give a node up that says nothing for so long')
        .argParser(readSpan(AGENT))
        .default(RUN_LIMITS.agentMs, formatTimeSpan(RUN_LIMITS.agentMs)),
    )
    .option(
      '--give-up-after <time>',
      `end a run in which nothing moves for so long [${formatTimeSpan(RUN_LIMITS.giveUpMs)}]`,
      readSpan(GIVE_UP),
    )
    .addOption(
      new Option('--orphan-timeout <time>', 'nodes wait so long for this host if it goes away')
        .argParser(readSpan(ORPHAN))
        .default(RUN_LIMITS.orphanMs, formatTimeSpan(RUN_LIMITS.orphanMs)),
    );
}

/**
 * The limits that the options say. @throws KgetError `usage` if the run would be given up before
 * what it waits for
 */
export function readTimeLimits(options: TimeLimitOptions): RunLimits {
  const { stallTimeout: stallMs, agentTimeout: agentMs, giveUpAfter } = options;
  const { orphanTimeout: orphanMs } = options;
  const longestMs = Math.max(stallMs, agentMs);
  const giveUpMs = giveUpAfter ?? Math.max(RUN_LIMITS.giveUpMs, GIVE_UP_LIMITS * longestMs);
  if (giveUpMs > longestMs) return { stallMs, agentMs, giveUpMs, orphanMs };
  throw new KgetError(
    'usage',
    `Cannot use --give-up-after ${formatTimeSpan(giveUpMs)}: wanted more than --stall-timeout ` +
      `${formatTimeSpan(stallMs)} and --agent-timeout ${formatTimeSpan(agentMs)}`,
  );
}

function readSpan(bounds: { readonly fromMs: number; readonly toMs: number }) {
  return (text: string): number => {
    try {
      return parseTimeSpan(text, bounds);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}
