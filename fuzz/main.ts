/**
 * Gives what reads files and messages a great many bad ones: each input may be taken, or refused
 * with an error of ours, in bounded time and memory. `npm run fuzz -- --help`
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tryInputs } from './crew.ts';
import { keepRecord, type TargetRecord } from './record.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

const HELP = `Usage: npm run fuzz -- [options]
  --target NAME      only this one: ${targets.map(({ name }) => name).join(', ')}
  --inputs N         inputs for each target (a million)
  --seed S           another number, other inputs (1)
  --from K           number of the first input (0)
  --processes P      at a time (as many as there are processors)
  --json FILE        what came of each target; targets that FILE names already, and that are not
                     tried now, stay in it
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
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const chosen = targets.filter(({ name }) => (values.target ?? name) === name);
  if (chosen.length === 0) throw new Error(`There is no target ${values.target}\n${HELP}`);
  for (const target of chosen) {
    const record = await tryTarget(target);
    if (record.findings.length > 0) process.exitCode = 1;
    if (values.json !== undefined) keepRecord(values.json, record);
  }
}

async function tryTarget(target: Target): Promise<TargetRecord> {
  const from = numberOf('from', values.from);
  const seed = numberOf('seed', values.seed);
  const count = values.inputs === undefined ? target.inputs : numberOf('inputs', values.inputs);
  const started = performance.now();
  const { counts, findings } = await tryInputs(
    { target: target.name, seed, from, count },
    {
      targetsFile: join(import.meta.dirname, 'targets.ts'),
      processes: Math.max(1, numberOf('processes', values.processes)),
      stallMs: STALL_MS,
    },
  );
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const tried = Object.entries(counts).map(([as, times]) => `${times} ${as}`);
  console.log(`${target.name}: ${tried.join(', ')}; ${findings.length} findings; ${seconds} s`);
  for (const { number, what } of findings.slice(0, MAX_PRINTED)) {
    const again = `--target ${target.name} --seed ${seed} --from ${number} --inputs 1`;
    console.log(`  npm run fuzz -- ${again}\n    ${what.replaceAll('\n', '\n    ')}`);
  }
  return { target: target.name, seed, from, inputs: count, outcomes: counts, findings, seconds };
}

function numberOf(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`Cannot read --${option} ${text}: wanted a whole number`);
}
