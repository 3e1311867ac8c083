import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

import { missingForLab } from '../lab/requirements.ts';
import { findTool } from '../lab/tools.ts';
import { CONTENDERS } from './contenders.ts';
import { renderRacePage } from './page.ts';
import { PROFILES } from './profiles.ts';
import { runRace } from './race.ts';
import { formatRace, markdownTables } from './text.ts';
import type { Contender } from './contenders.ts';
import type { HeatRecord, RaceRecord } from './record.ts';

interface RaceWords {
  readonly only?: readonly string[];
  readonly rounds: number;
  readonly redo?: true;
  readonly to?: string;
  readonly directory?: string;
}

const program = new Command('race')
  .description('Kget+ and its rivals on the same lab, one after the other, measured from outside.')
  .enablePositionalOptions()
  .showHelpAfterError();

program
  .command('run', { isDefault: true })
  .description('run a race (as root)')
  .argument('[profile]', Object.keys(PROFILES).join(', '), 'quick')
  .option('--only <names>', 'contenders, separated by commas', (text) => text.split(','))
  .option('--rounds <n>', 'how often all contenders run in turn', parseCount, 1)
  .option('--redo', 'keep what race.json in that directory has of other contenders')
  .option('--to <dir>', 'directory for race.json and race.html [race-PROFILE]')
  .option('--directory <path>', "where the lab's files go [the system's for such]")
  .addHelpText('after', () => `\nProfiles:\n${profileList()}\n\nContenders:\n${contenderList()}`)
  .action(run);

program
  .command('show')
  .description('print a race that was run')
  .argument('<file>', 'its race.json')
  .option('--markdown', 'tables for a document')
  .action((file: string, options: { readonly markdown?: true }) => {
    const race = JSON.parse(readFileSync(file, 'utf8')) as RaceRecord;
    process.stdout.write(options.markdown === true ? markdownTables(race) : formatRace(race));
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(`race: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function run(name: string, words: RaceWords): Promise<void> {
  const profile = PROFILES[name];
  if (profile === undefined) {
    throw new Error(`Cannot run race "${name}": wanted ${Object.keys(PROFILES).join(', ')}`);
  }
  requireTools();
  const contenders = words.only?.map(contenderNamed) ?? usual(profile.without);
  const directory = words.to ?? `race-${name}`;
  const kept = words.redo === true ? heatsOfOthers(directory, name, contenders) : [];
  mkdirSync(directory, { recursive: true });
  const ending = new AbortController();
  const interrupt = (): void => ending.abort(new Error('interrupted; the lab is removed'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const race = await runRace({
    name,
    profile,
    contenders,
    kept,
    rounds: words.rounds,
    directory: words.directory,
    onStep: (step) => process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${step}\n`),
    onHeat: (sofar) => writeRace(directory, sofar),
    signal: ending.signal,
  });
  process.stdout.write(formatRace(race));
  process.stdout.write(`\nWritten: ${join(directory, 'race.json')} and race.html\n`);
  const isLost = race.heats.some(({ nodes }) => nodes.some((node) => !node.isIdentical));
  if (isLost) process.exitCode = 3;
}

function writeRace(directory: string, race: RaceRecord): void {
  writeFileSync(join(directory, 'race.json'), `${JSON.stringify(race, null, 1)}\n`);
  writeFileSync(join(directory, 'race.html'), renderRacePage(race));
}

/** What an earlier race of the same profile found out about contenders that do not run now. */
function heatsOfOthers(
  directory: string,
  profile: string,
  contenders: readonly Contender[],
): readonly HeatRecord[] {
  const file = join(directory, 'race.json');
  const earlier = JSON.parse(readFileSync(file, 'utf8')) as RaceRecord;
  if (earlier.profile !== profile) {
    throw new Error(
      `Cannot add to ${file}: it is a race "${earlier.profile}", wanted "${profile}"`,
    );
  }
  const names = new Set(contenders.map((contender) => contender.name));
  return earlier.heats.filter((heat) => !names.has(heat.contender));
}

function usual(without: readonly string[]): readonly Contender[] {
  return CONTENDERS.filter(({ name }) => !without.includes(name));
}

function contenderNamed(name: string): Contender {
  const found = CONTENDERS.find((contender) => contender.name === name.trim());
  if (found !== undefined) return found;
  const names = CONTENDERS.map((contender) => contender.name).join(', ');
  throw new Error(`Cannot find contender "${name}": there are ${names}`);
}

function requireTools(): void {
  const missing = missingForLab();
  if (findTool('iperf3') === undefined) missing.push('iperf3 not found: apt-get install iperf3');
  if (missing.length > 0) throw new Error(`Cannot run a race here: ${missing.join('; ')}`);
}

function parseCount(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('wanted a number from 1 on');
}

function profileList(): string {
  return Object.entries(PROFILES)
    .map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`)
    .join('\n');
}

function contenderList(): string {
  return CONTENDERS.map(({ name }) => `  ${name}`).join('\n');
}
