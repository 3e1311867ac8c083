/**
 * How the planner and the simulator grow with the number of nodes, and what several frontends
 * change. `npm run bench:scale -- --help`
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeCounts } from './scale/scenario.ts';
import { costHead, costLine, frontendsHead, frontendsLine, type ScaleRun } from './scale/table.ts';

const HELP = `Usage: npm run bench:scale -- [options]
  --most N           the most nodes; 100000 takes minutes (10000)
  --frontends LIST   how many frontends to compare with the most nodes (1,4,16)
  --json FILE        where to write the figures (nowhere)

Full simulated runs, each in a process of its own: log-normal images of spread 0.5, one on each node.
A decision is one event told to the planner; the microseconds of an event are those of the whole run,
planner and simulator. Makespan and mean release are in slots: one mean image over one link.
`;

const CHILD = join(import.meta.dirname, 'scale/child.ts');

const { values } = parseArgs({
  options: {
    most: { type: 'string', default: '10000' },
    frontends: { type: 'string', default: '1,4,16' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else main();

function main(): void {
  const counts = nodeCounts(Number(values.most));
  console.log(costHead());
  const alone = counts.map((nodes) => printed(runOf({ nodes, frontends: 1 }), costLine));
  const last = alone.at(-1);
  if (last === undefined) return;
  console.log(`\n${frontendsHead()}`);
  const several = values.frontends.split(',').map((text): ScaleRun => {
    const frontends = Number(text);
    const run = frontends === 1 ? last : runOf({ nodes: last.nodes, frontends });
    return printed(run, frontendsLine);
  });
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ alone, several }, null, 2)}\n`);
}

function runOf({ nodes, frontends }: Pick<ScaleRun, 'nodes' | 'frontends'>): ScaleRun {
  const words = [CHILD, `${nodes}`, `${frontends}`];
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8', stdio })) as ScaleRun;
}

function printed(run: ScaleRun, lineOf: (run: ScaleRun) => string): ScaleRun {
  console.log(lineOf(run));
  return run;
}
