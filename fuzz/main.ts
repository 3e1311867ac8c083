/**
 * Gives what reads files and messages a great many bad ones: each input may be taken, or refused
 * with an error of ours, in bounded time and memory. `npm run fuzz -- --help`
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tryInputs } from './crew.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

const HELP = `Usage: npm run fuzz -- [options]
  --target NAME      only this one: ${targets.map(({ name }) => name).join(', ')}
  --inputs N         inputs for each target (${targets.map(({ inputs }) => inputs).join(', ')})
  --seed S           another number, other inputs (1)
  --from K           number of the first input (0)
  --processes P      at a time (as many as there are processors)
`;

const STALL_MS = 30_000;

/** Findings that are printed of each target. */
const MAX_PRINTED = 5;

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    inputs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    processes: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const chosen = targets.filter(({ name }) => (values.target ?? name) === name);
  if (chosen.length === 0) throw new Error(`There is no target ${values.target}\n${HELP}`);
  for (const target of chosen) {
    if (!(await isSound(target))) process.exitCode = 1;
  }
}

async function isSound(target: Target): Promise<boolean> {
  const seed = numberOf('seed', values.seed);
  const count = values.inputs === undefined ? target.inputs : numberOf('inputs', values.inputs);
  const started = performance.now();
  const { counts, findings } = await tryInputs(
    { target: target.name, seed, from: numberOf('from', values.from), count },
    {
      targetsFile: join(import.meta.dirname, 'targets.ts'),
      processes: Math.max(1, numberOf('processes', values.processes)),
      stallMs: STALL_MS,
    },
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const tried = Object.entries(counts).map(([as, times]) => `${times} ${as}`);
  console.log(`${target.name}: ${tried.join(', ')}; ${findings.length} findings; ${seconds} s`);
  for (const { number, what } of findings.slice(0, MAX_PRINTED)) {
    const again = `--target ${target.name} --seed ${seed} --from ${number} --inputs 1`;
    console.log(`  npm run fuzz -- ${again}\n    ${what.replaceAll('\n', '\n    ')}`);
  }
  return findings.length === 0;
}

function numberOf(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`Cannot read --${option} ${text}: wanted a whole number`);
}
