import type { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import { readLog } from '../job/life/read-log.ts';
import { chooseVm } from '../job/record/job-id.ts';
import { phaseOf } from '../job/record/job-state.ts';
import { jobDirectory, jobIds } from '../job/record/jobs.ts';
import { surveyMachines, type SeenVm } from '../job/run/survey.ts';
import { logPath } from './job-drive.ts';
import { stateOf } from './job-wait.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';
import { crewOfJob } from './vm-crew.ts';

const ABOUT = `
JOB.N is one machine of a job. Lines of several machines are told apart by their names in front.

Examples:
  kgetplus job logs latest
  kgetplus job logs count-2026.2 --follow
  kgetplus job logs latest.1 --console`;

/** How often a log is looked at that is followed. */
const FOLLOW_MS = 1000;
/** Read at once, of each machine. */
const MAX_PART_BYTES = 8 * 1024 * 1024;

interface LogsOptions extends StoreOption {
  readonly console: boolean;
  readonly follow: boolean;
}

type Source = 'command' | 'console';

/** Declares `job logs`. */
export function addJobLogs(job: Command, system: System): void {
  const command = job
    .command('logs')
    .summary('show what the commands of a job have said')
    .description("Shows what the command of a job's machines has said, or their consoles.")
    .argument('<job[.n]>', 'a job, or one of its machines');
  addStoreOption(command)
    .option('--console', "the machines' consoles instead", false)
    .option('-f, --follow', 'go on until the job has ended', false)
    .addHelpText('after', ABOUT)
    .action(async (text: string, options: LogsOptions) => {
      await showLogs(text, options, system);
    });
}

async function showLogs(text: string, options: LogsOptions, system: System): Promise<void> {
  const place = storeAt(options, system);
  const { job, vm } = chooseVm(text, jobIds(place.directory));
  const directory = jobDirectory(place.directory, job);
  const driven = { place, job, directory };
  const state = stateOf(driven);
  const source: Source = options.console ? 'console' : 'command';
  const names = [...state.vms.keys()].filter((name) => vm === null || name === vm);
  if (names.length === 0)
    throw new KgetError('usage', `Cannot show the log of ${text}: no such machine`);
  const print = printer(names, system);
  const kept = names.filter((name) => existsSync(logPath(directory, name, source)));
  if (kept.length === names.length) {
    for (const name of kept) print(name, readFileSync(logPath(directory, name, source), 'utf8'));
    return;
  }
  await using hosts = await (
    await crewOfJob(state, directory, system)
  ).start(state.spec.nodes, system.interrupt);
  const offsets = new Map<string, number>();
  do {
    const { vms } = await surveyMachines(job, [...hosts.all.values()], system.interrupt);
    for (const name of names) {
      const seen = vms.get(name);
      if (seen !== undefined) await printNew(seen, { source, offsets, print });
    }
    if (options.follow) await system.clock.sleep(FOLLOW_MS, system.interrupt);
  } while (options.follow && !system.interrupt.aborted && isOpen(driven));
}

function isOpen(driven: Parameters<typeof stateOf>[0]): boolean {
  const phase = phaseOf(stateOf(driven));
  return phase !== 'finished' && phase !== 'kept';
}

async function printNew(
  { found, host }: SeenVm,
  work: {
    readonly source: Source;
    readonly offsets: Map<string, number>;
    print(vm: string, text: string): void;
  },
): Promise<void> {
  const { source, offsets, print } = work;
  const { name } = found;
  const options = { source, offset: offsets.get(name) ?? 0, maxBytes: MAX_PART_BYTES };
  const { text, nextOffset } = await readLog(name, host, options);
  offsets.set(name, nextOffset);
  if (text !== '') print(name, text);
}

/** With names in front of the lines if there are several machines. */
function printer(names: readonly string[], { stdout }: System) {
  return (vm: string, said: string): void => {
    const text = stdout.isTTY ? harmless(said) : said;
    if (names.length === 1) {
      stdout.write(text);
      return;
    }
    const lines = text.replace(/\n$/, '').split('\n');
    stdout.write(lines.map((line) => `${vm}: ${line}\n`).join(''));
  };
}

/** Guests are not trusted: what would change the terminal is not shown there. */
function harmless(text: string): string {
  return text.replaceAll(/(?![\t\n\r])\p{Cc}/gu, '\uFFFD');
}
