import type { Dice } from '../fuzz/dice.ts';
import type { Entropy } from '../src/base/clock.ts';
import { KgetError } from '../src/base/error.ts';
import { exitCodeOf } from '../src/cli/exit-code.ts';
import { fileLayout } from '../src/cli/file-layout.ts';
import { type GatherResult, runGather } from '../src/cli/gather-run.ts';
import { storeLayout } from '../src/cli/store-layout.ts';
import type { RunObserver } from '../src/coordinator/ports.ts';
import { clockOf, inProcess, TARGET } from './cluster.ts';
import { endProcess, startProcess } from './machine/process.ts';
import { FRONTEND_HOST } from './scenario.ts';
import type { Stage } from './stage.ts';

/** A run that has not ended by then never will. */
const RUN_LIMIT_MS = 6 * 3600 * 1000;

/** The quickest. */
const ZSTD_LEVEL = 1;

/** What the operator asks for. */
export interface Wish {
  readonly nodes: readonly string[];
  /** As `kgetplus resume` does: nothing else than to go on. */
  readonly mustContinue: boolean;
}

/** How a command ended: with a result, with an error for its user, or not by itself. */
export type Outcome = GatherResult | KgetError | 'died';

/** Runs the command once on the frontend, until it has ended in one way or another. */
export async function runCommand(stage: Stage, wish: Wish): Promise<Outcome> {
  const { cluster, rules } = stage;
  const process = startProcess(cluster.machine, cluster.host(FRONTEND_HOST), 'coordinator');
  const command = { process, interrupt: new AbortController() };
  stage.command = command;
  let outcome: Outcome | undefined;
  inProcess(process, () => {
    const run = gather(stage, command, wish);
    run.then(
      (result) => (outcome = result),
      (error: unknown) => {
        outcome = error instanceof KgetError ? error : 'died';
        if (outcome === 'died') cluster.machine.onFault(process, error);
      },
    );
  });
  const isOver = (): boolean => outcome !== undefined || process.state === 'dead';
  const ended = await cluster.machine.timeline.run(isOver, RUN_LIMIT_MS);
  if (ended !== 'over') rules.broken(6, `the run has not ended: ${ended}`);
  if (process.state === 'dead') return 'died';
  endProcess(process, ended === 'over' ? 'exit' : 'kill');
  return outcome ?? 'died';
}

function gather(
  stage: Stage,
  { process, interrupt }: NonNullable<Stage['command']>,
  wish: Wish,
): Promise<GatherResult> {
  const { scenario, cluster, dice } = stage;
  return runGather(
    {
      ...wish,
      patterns: ['/images/*.img'],
      objective: scenario.objective,
      maxHops: 64,
      copies: scenario.copies,
      nodeTerms: new Map(),
      rackUplinks: new Map(),
      senders: scenario.senders,
      chunkSizeBytes: scenario.chunkSizeBytes,
      targetDirectory: TARGET,
      layout: scenario.layout === 'store' ? storeLayout(ZSTD_LEVEL) : fileLayout,
      command: ['gather'],
      spoolDirectory: null,
      frontendBytesPerSecond: null,
      nodeBytesPerSecond: null,
      dryRun: false,
      fresh: false,
      reportPath: null,
    },
    {
      clock: clockOf(process),
      entropy: entropyOf(dice),
      ...cluster.launchers(process, stage.taps),
      observer: observerOf(stage),
      onRelease: stage.giveBack,
      signal: interrupt.signal,
    },
  );
}

function observerOf({ trace, rules }: Stage): RunObserver {
  return {
    begun: () => {},
    nodeChanged: ({ name, state }) => trace(`${name} is ${state}`),
    imageSafe(image) {
      trace(`${image.id} is safe`);
      const known = rules.images.find(({ id }) => id === image.id);
      if (known === undefined || rules.isSafe(known)) return;
      rules.broken(2, `${image.id} counts as safe, and would not survive a loss of power`);
    },
    failed: ({ node, message }) => trace(`failed ${node}: ${message}`),
    notice: (node, text) => trace(`notice ${node}: ${text}`),
  };
}

function entropyOf(dice: Dice): Entropy {
  return { hex: (count) => dice.bytes(count).toString('hex') };
}

/** For the trace. */
export function describe(outcome: Outcome): string {
  if (outcome === 'died') return 'died';
  if (outcome instanceof KgetError) return outcome.message;
  const { images, safe } = outcome.report.summary;
  const code = exitCodeOf(outcome.report, outcome.outcome.interrupted);
  return `ends with ${code}, ${safe} of ${images} images safe`;
}
