/**
 * How far the planner is from what no schedule can undercut, in the simulator: makespan and mean
 * release with the mean as its objective, and when 80 % are released if that is its objective.
 * `npm run bench:planner -- --help`
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measure, type Measured } from './planner/measure.ts';
import { rows } from './planner/rows.ts';
import { loadSolver } from './planner/solver.ts';
import { summaryLine } from './planner/summary.ts';
import { head, line } from './planner/table.ts';

const HELP = `Usage: npm run bench:planner -- [options]
  --only TEXT        scenarios whose name has this in it, or "n=64" (all)
  --json FILE        where to write the figures (nowhere)

Times are in slots: one image of mean size over one fast node's link. The mean counts each node by
its weight. "With a deadline" is the last release of the nodes that have one; the other bounds know
nothing of deadlines. Ratios in bold are far from the bound. The last line is about all rows.
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const highs = await loadSolver();
  const results: Measured[] = [];
  console.log(head());
  for (const row of rows()) {
    if (!`${row.name} n=${row.nodes}`.includes(values.only)) continue;
    const started = performance.now();
    const measured = measure(highs, row);
    console.log(line(measured));
    console.error(`${((performance.now() - started) / 1000).toFixed(1)} s`);
    results.push(measured);
  }
  if (results.length > 0) console.log(`\n${summaryLine(results)}`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
