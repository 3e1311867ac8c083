/**
 * How much the planner loses when the cluster is not as it was told, in the simulator: the same
 * seeded clusters with and without a surprise. `npm run bench:robust -- --help`
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { scenarioOf } from './planner/scenarios.ts';
import { compare } from './robust/compare.ts';
import { SURPRISES } from './robust/surprises.ts';
import { head, line, type RobustRow } from './robust/table.ts';

const HELP = `Usage: npm run bench:robust -- [options]
  --seeds N          clusters in each row (200)
  --nodes N          nodes in each cluster (64)
  --only TEXT        rows whose name has this in it (all)
  --json FILE        where to write the ratios of every seed (nowhere)

Each ratio is that of the planner which was told what is promised to one that was told the truth, or
whose nodes are all there at the start, or whose transfers do not fail. Mean releases count from the
joining of each node, makespans from the start of the run. Bold: a median above 1.15.
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    nodes: { type: 'string', default: '64' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else main();

function main(): void {
  const nodes = Number(values.nodes);
  const clusters = [
    { images: 'equal images', calm: scenarioOf({ nodes }) },
    { images: 'log-normal 0.5', calm: scenarioOf({ nodes, sigma: 0.5 }) },
  ];
  const results: RobustRow[] = [];
  console.log(head());
  for (const surprise of SURPRISES) {
    for (const { images, calm } of clusters) {
      const name = `${surprise.name}, ${images}`;
      if (!name.includes(values.only)) continue;
      const row = { name, ratios: compare(surprise, calm, Number(values.seeds)) };
      console.log(line(row));
      results.push(row);
    }
  }
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
