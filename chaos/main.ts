/**
 * Plays gathers in a lab with real faults: killed and stopped processes, links that go, disks that
 * are full; and looks afterwards whether anything was lost. `npm run chaos -- --help`
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { FAULT_KINDS, type FaultKind } from './fault.ts';
import { summarise, thisMachine, type ChaosRecord, type RoundRecord } from './record.ts';
import { missingForChaos, playSeries, SERIES_LAB } from './series.ts';
import { roundLine, summaryText } from './text.ts';

const HELP = `Usage: npm run chaos -- [options]
  --rounds N         how many (20)
  --seed S           another number, other rounds (1)
  --from K           number of the first round (1)
  --faults KINDS     only these, with commas: ${FAULT_KINDS.join(', ')}
  --keep DIR         where what is left of rounds with findings goes (a new one in /tmp)
  --json FILE        where to write the figures of all rounds (nowhere)

Each round is drawn from seed and number. It needs root; hosts of the lab share the machine's clock,
so clocks that jump are not among the faults. Ends with 1 if there are findings.
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    faults: { type: 'string' },
    keep: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const missing = missingForChaos();
  if (missing.length > 0) throw new Error(`Cannot play rounds here: ${missing.join('; ')}`);
  const seed = numberOf('seed', values.seed);
  const startedAt = new Date().toISOString();
  const rounds: RoundRecord[] = [];
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  await playSeries({
    seed,
    from: numberOf('from', values.from),
    rounds: numberOf('rounds', values.rounds),
    kinds: kindsOf(values.faults),
    ...(values.keep === undefined ? {} : { keep: values.keep }),
    signal: ending.signal,
    onRound(round, keptIn) {
      rounds.push(round);
      print(round, { seed, keptIn });
      if (values.json !== undefined) write(values.json, { seed, startedAt, rounds });
    },
  });
  const summary = summarise(rounds);
  console.log(`\n${summaryText(summary)}`);
  if (summary.failed > 0) process.exitCode = 1;
}

function print(
  round: RoundRecord,
  { seed, keptIn }: { readonly seed: number; readonly keptIn: string | undefined },
): void {
  console.log(roundLine(round, seed));
  if (round.problems.length === 0) return;
  for (const problem of round.problems) console.log(`    ${problem.replaceAll('\n', '\n    ')}`);
  const faults = values.faults === undefined ? '' : ` --faults ${values.faults}`;
  console.log(`    npm run chaos -- --seed ${seed} --from ${round.number} --rounds 1${faults}`);
  console.log(`    kept in ${keptIn}`);
}

function write(
  path: string,
  series: {
    readonly seed: number;
    readonly startedAt: string;
    readonly rounds: readonly RoundRecord[];
  },
): void {
  const { seed, startedAt, rounds } = series;
  const record: ChaosRecord = {
    schema: 'kgetplus.chaos/1',
    startedAt,
    machine: thisMachine(),
    lab: SERIES_LAB,
    seed,
    summary: summarise(rounds),
    rounds,
  };
  writeFileSync(path, `${JSON.stringify(record, undefined, 2)}\n`);
}

function kindsOf(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return FAULT_KINDS;
  return text.split(',').map((word) => {
    const kind = FAULT_KINDS.find((each) => each === word);
    if (kind === undefined) throw new Error(`There is no fault "${word}"\n${HELP}`);
    return kind;
  });
}

function numberOf(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`Cannot read --${option} ${text}: wanted a whole number`);
}
