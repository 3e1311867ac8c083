import { Command, CommanderError, type Option } from 'commander';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { KgetError } from '../base/error.ts';
import { systemClock } from '../base/system-clock.ts';
import { VERSION } from '../base/version.ts';
import { HOST_DIALECT } from '../control/host-dialect.ts';
import { AGENT_DIALECT, type Dialect, type Program } from '../control/channel.ts';
import { addDemo } from './demo.ts';
import { addVm } from './vm.ts';
import { jobUsing } from './job-facts.ts';
import { addJob } from './job.ts';
import { addImage } from './image.ts';
import { addVerify } from './verify.ts';
import { addTag } from './tag.ts';
import { addStats } from './stats.ts';
import { addShow } from './show.ts';
import { addResume } from './resume.ts';
import { addRestore } from './restore.ts';
import { addPrune } from './prune.ts';
import { addLs } from './ls.ts';
import { addImport } from './import.ts';
import { addExport } from './export.ts';
import { addDiff } from './diff.ts';
import { EXIT, exitCodeOfError } from './exit-code.ts';
import { addGather } from './gather.ts';
import { addPlan } from './plan.ts';
import { addReport } from './report.ts';
import { addServe } from './serve.ts';
import { addSimulate } from './simulate.ts';
import { systemEntropy, type System } from './system.ts';

/** Open handles that keep the process alive after a command has ended are a fault; this ends it. */
const LINGER_LIMIT_MS = 5000;

/** Ctrl-C reaches us from the terminal and from our launcher: within this time they are one. */
const SAME_SIGNAL_MS = 1000;

const EXAMPLES = `
Examples:
  kgetplus gather -w 'node[01-64]' /var/lib/vm/job.qcow2 --to /srv/snapshots --layout store
  kgetplus ls --store /srv/snapshots
  kgetplus restore latest/node01 --store /srv/snapshots --to /var/lib/vm/
  kgetplus demo
  kgetplus simulate --nodes 64 --size 512MiB --link 1Gbit
  kgetplus gather --help`;

const interrupt = new AbortController();
let stoppedMs = Number.NEGATIVE_INFINITY;
process.on('SIGINT', () => stop('SIGINT'));
process.on('SIGTERM', () => stop('SIGTERM'));
// Our launcher was killed: whoever did that meant us.
process.on('disconnect', () => stop('SIGTERM'));
process.channel?.unref();

const system: System = {
  clock: systemClock,
  entropy: systemEntropy,
  stdout: process.stdout,
  stderr: process.stderr,
  agent: bundled('agent.cjs', AGENT_DIALECT),
  host: bundled('host.cjs', HOST_DIALECT),
  chunkWorkerFile: fileURLToPath(new URL('chunk-worker.mjs', import.meta.url)),
  processors: availableParallelism(),
  ownCommand: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
  commandLine: process.argv.slice(2),
  environment: process.env,
  interrupt: interrupt.signal,
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

await runCommand(createProgram());
setTimeout(() => process.exit(), LINGER_LIMIT_MS).unref();

function bundled<Out, In>(file: string, dialect: Dialect<Out, In>): Program<Out, In> {
  return { agentFile: fileURLToPath(new URL(file, import.meta.url)), version: VERSION, dialect };
}

function createProgram(): Command {
  const program = new Command('kgetplus')
    .description('Gathers VM image snapshots from many hosts on one, and frees most hosts early.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(try kgetplus --help)')
    .configureHelp({ optionDescription: describeOption })
    .addHelpText('after', EXAMPLES);
  program.commandsGroup('Gathering:');
  addGather(program, system);
  addResume(program, system);
  addPlan(program, system);
  addReport(program, system);
  addDemo(program, system);
  addSimulate(program, system);
  program.commandsGroup('Stores:');
  addLs(program, system);
  addShow(program, system);
  addDiff(program, system);
  addStats(program, system);
  addRestore(program, system);
  addServe(program, system);
  addExport(program, system);
  addImport(program, system);
  addTag(program, system);
  addVerify(program, system);
  addPrune(program, system);
  program.commandsGroup('Virtual machines:');
  addImage(program, system, { inUse: jobUsing });
  addJob(program, system);
  addVm(program, system);
  for (const command of program.commands) {
    command.exitOverride().showHelpAfterError(`(try kgetplus ${command.name()} --help)`);
  }
  return program;
}

/** As commander has it, but for defaults that say nothing. */
function describeOption(option: Option): string {
  const { defaultValue, defaultValueDescription: shown } = option;
  const isEmpty =
    defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0);
  if (defaultValue === undefined || isEmpty) return withChoices(option);
  return `${withChoices(option)} (default: ${shown ?? String(defaultValue)})`;
}

function withChoices({ description, argChoices }: Option): string {
  return argChoices === undefined ? description : `${description} (${argChoices.join(', ')})`;
}

async function runCommand(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      return;
    }
    const detail = error instanceof KgetError || !(error instanceof Error) ? error : error.stack;
    process.stderr.write(
      `kgetplus: ${error instanceof KgetError ? error.message : String(detail)}\n`,
    );
    process.exitCode = exitCodeOfError(error);
  }
}

function stop(signal: NodeJS.Signals): void {
  const again = performance.now() - stoppedMs > SAME_SIGNAL_MS;
  if (interrupt.signal.aborted && !again) return;
  stoppedMs = performance.now();
  if (interrupt.signal.aborted) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    return;
  }
  process.stderr.write('\nStopping cleanly, nothing is lost. Once more to end at once.\n');
  interrupt.abort();
}
