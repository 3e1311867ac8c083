/**
 * Plays whole runs with faults, one for each seed: production code over simulated hosts, and rules
 * that watch. `npm run simulate:faults -- --help`
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { mutants } from './mutants.ts';
import { playSeeds } from './crew.ts';
import { noTally, type Tally } from './tally.ts';

const HELP = `Usage: npm run simulate:faults -- [options]
  --seeds N        how many (1000)
  --from K         number of the first one (1)
  --seed K         only this one, told step by step
  --processes P    at a time (as many as there are processors)
  --mutant NAME    with a fault planted into the code: ${mutants.map(({ name }) => name).join(', ')}
  --points         list the places in the code at which processes were crashed
  --json FILE      write what came out to FILE
`;

/** Seeds with violations that are printed. */
const MAX_PRINTED = 10;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    processes: { type: 'string', default: String(availableParallelism()) },
    mutant: { type: 'string' },
    points: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const { seed, mutant } = values;
  const tally = noTally();
  const isOne = seed !== undefined;
  const started = performance.now();
  await playSeeds(
    {
      from: numberOf('seed', seed ?? values.from),
      count: isOne ? 1 : numberOf('seeds', values.seeds),
      processes: Math.max(1, numberOf('processes', values.processes)),
      isTold: isOne,
      mutant,
    },
    tally,
  );
  const seconds = (performance.now() - started) / 1000;
  print(tally, seconds);
  if (values.points) printPoints(tally);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ ...tally, seconds }, null, 2)}\n`);
  }
  if (tally.bad.length > 0) process.exitCode = 1;
}

function print(tally: Tally, seconds: number): void {
  for (const { seed, violations } of tally.bad.slice(0, MAX_PRINTED)) {
    const again = `npm run simulate:faults -- --seed ${seed}`;
    const mutant = values.mutant === undefined ? '' : ` --mutant ${values.mutant}`;
    console.log(`${again}${mutant}`);
    for (const { rule, what } of violations.slice(0, 3)) console.log(`  rule ${rule}: ${what}`);
  }
  const faults = Object.entries(tally.inflicted).map(([kind, count]) => `${count} ${kind}`);
  const sum = Object.values(tally.inflicted).reduce((all, count) => all + count, 0);
  console.log(
    `${tally.seeds} seeds, ${tally.runs} runs, ${tally.images} images, ${sum} faults ` +
      `(${faults.join(', ')}), ${tally.effects} effects, ${Object.keys(tally.crashed).length} ` +
      `of ${Object.keys(tally.seen).length} places crashed at; ${tally.doomed} images whose last ` +
      `copy a fault destroyed; ${tally.bad.length} seeds with violations; ${seconds.toFixed(1)} s`,
  );
}

function printPoints({ seen, crashed }: Tally): void {
  const places = Object.keys({ ...seen, ...crashed }).toSorted();
  for (const place of places) console.log(`${String(crashed[place] ?? 0).padStart(6)}  ${place}`);
}

function numberOf(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`Cannot read --${option} ${text}: wanted a whole number`);
}
