import type { Command } from 'commander';
import { setImmediate as turn } from 'node:timers/promises';
import { KgetError } from '../base/error.ts';
import type { PlannerOptions } from '../planner/types.ts';
import { renderSimulationPage } from '../report/simulation-page.ts';
import type { SimulationReport, StrategyRecord } from '../report/simulation-record.ts';
import { renderSimulationText } from '../report/simulation-text.ts';
import { MAX_RIVAL_NODES } from '../simulator/strategies/rival.ts';
import type { Strategy } from '../simulator/strategies/strategy.ts';
import { STRATEGIES } from '../simulator/strategies/strategies.ts';
import { writeReportFile } from './report-file.ts';
import { toCluster } from './simulate-cluster.ts';
import { addSimulateOptions, type SimulateOptions } from './simulate-options.ts';
import { quickEnough, simulateBound, simulateStrategy, strategiesFor } from './simulate-run.ts';
import type { System } from './system.ts';
import { commandLine } from './words.ts';

/** As for a real run; no transfer fails in these. */
const MAX_ATTEMPTS = 5;

const ABOUT = `
Strategies:
${STRATEGIES.map(({ name, about }) => `  ${name.padEnd(20)} ${about}`).join('\n')}

What is modelled: links (full duplex), rack uplinks and disks, each shared fairly by the transfers
that use it; one image a node; the planner of real runs. Nothing fails, and connecting, hashing and
syncing take no time. A pull goes to the frontend with the fewest.

--zero and --duplicate: all-at-once, serial and kaget move whole images, the others and the bound no
zeros. What a family has in common does not move to a node that has an image of it, its own or
another's, nor to the frontend once one is there; if sizes differ, two images share what the smaller
one has of it. What is known of a receiver is known when a transfer begins. Keeping an image takes
room for all but its zeros. --copies is for Kget+ alone: the others release a node when one other has
its image.

The bound: no schedule releases so many nodes sooner, for each share by itself. It leaves out
racks, room, --start, --copies and, but for 100 %, what families have in common. A disk counts as the
faster of its directions there, so that with unequal ones the bound is looser than need be.

Equal options give equal output. Nodes fill the racks one after the other.
Above ${MAX_RIVAL_NODES} nodes there is Kget+ alone: the others would take too long to compute.

Examples:
  kgetplus simulate
  kgetplus simulate --nodes 128 --size 8GiB --link 10Gbit --disk-write 500MB --report plan.html
  kgetplus simulate --racks 4x16 --oversubscription 4 --objective target:90% --senders 2
  kgetplus simulate --sizes lognormal:0.8 --seed 7 --zero 0.5 --duplicate 0.9 --room 3images
  kgetplus simulate --nodes 4096 --frontends 4 --duplicate 0.8 --families 3 --copies 2
  kgetplus simulate --strategy kgetplus --json`;

/** Declares `simulate`. */
export function addSimulate(program: Command, system: System): void {
  const command = program
    .command('simulate')
    .summary('compute when nodes of a cluster would be released')
    .description('Simulates a gather, and other ways to do it, on a cluster that you describe.')
    .addHelpText('after', ABOUT);
  addSimulateOptions(command).action(async (options: SimulateOptions) => {
    const report = await simulate(options, { words: program.args, system });
    if (options.report !== undefined) {
      writeReportFile(options.report, renderSimulationPage(report));
    }
    if (options.json) system.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else system.stdout.write(renderSimulationText(report));
  });
}

async function simulate(
  options: SimulateOptions,
  { words, system }: { readonly words: readonly string[]; readonly system: System },
): Promise<SimulationReport> {
  const { frontends, senders = frontends, maxHops, copies } = options;
  const cluster = toCluster(options);
  const { chosen, leftOut } = chooseStrategies(options, cluster.nodes);
  const bound = simulateBound(cluster);
  const planner: PlannerOptions = {
    objective: options.objective ?? { kind: 'mean' },
    senders,
    maxHops,
    maxAttempts: MAX_ATTEMPTS,
    copies,
  };
  const strategies: StrategyRecord[] = [];
  for (const strategy of chosen) {
    // Signals are heard between strategies.
    await turn();
    if (system.interrupt.aborted) throw new KgetError('cancelled', 'The simulation was stopped');
    strategies.push(simulateStrategy(strategy, cluster, { planner, bound: bound.times }));
  }
  return {
    schema: 'kgetplus.simulation/1',
    command: commandLine(['kgetplus', ...words]),
    inputs: { ...cluster, senders, maxHops, copies },
    bound,
    strategies,
    leftOut,
  };
}

/**
 * Those that were asked for, and the names of those that were left out. `kgetplus` also stands for
 * Kget+ with the objective that was given.
 */
function chooseStrategies(
  { objective, strategy }: SimulateOptions,
  nodes: number,
): ReturnType<typeof quickEnough> {
  const strategies = strategiesFor(objective);
  if (strategy === 'all') return quickEnough(strategies, nodes);
  const found =
    strategies.find(({ name }) => name === strategy) ??
    (strategy === 'kgetplus' ? strategies[0] : undefined);
  if (found === undefined) throw unknown(strategy, strategies);
  if (nodes <= found.maxNodes) return { chosen: [found], leftOut: [] };
  throw new KgetError(
    'usage',
    `Cannot use --strategy "${strategy}": found ${nodes} nodes, wanted at most ${found.maxNodes} for it, or it would take too long`,
  );
}

function unknown(strategy: string, strategies: readonly Strategy[]): KgetError {
  const names = strategies.map(({ name }) => name).join(', ');
  return new KgetError(
    'usage',
    `Cannot use --strategy "${strategy}": there is none of this name, wanted all or one of: ${names}`,
  );
}
