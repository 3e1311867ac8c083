/** Commands run in this process, with a system that is watched. */
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { systemClock } from '../../src/base/system-clock.ts';
import { EXIT, exitCodeOfError } from '../../src/cli/exit-code.ts';
import { systemEntropy, type System } from '../../src/cli/system.ts';
import { AGENT_DIALECT } from '../../src/control/channel.ts';
import { HOST_DIALECT } from '../../src/control/host-dialect.ts';
import { toFailure } from '../../src/base/error.ts';

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as `main.ts` would. */
export async function runCommand(
  add: (program: Command, system: System) => void,
  words: readonly string[],
  interrupt: AbortSignal = new AbortController().signal,
): Promise<Ended> {
  const output = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    ({ write: (text: string) => (output[name] += text) }) as unknown as NodeJS.WriteStream;
  let exitCode: number = EXIT.ok;
  const system: System = {
    clock: systemClock,
    entropy: systemEntropy,
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    agent: { agentFile: '', version: '', dialect: AGENT_DIALECT },
    host: { agentFile: '', version: '', dialect: HOST_DIALECT },
    ownCommand: ['kgetplus'],
    chunkWorkerFile: join(import.meta.dirname, '../../src/store/chunk-worker.ts'),
    processors: 2,
    environment: {},
    interrupt,
    commandLine: words,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  const program = new Command('kgetplus').exitOverride();
  add(program, system);
  for (const command of program.commands) {
    command.exitOverride().configureOutput({
      writeErr: (text) => (output.stderr += text),
      writeOut: (text) => (output.stdout += text),
    });
  }
  try {
    await program.parseAsync(['node', 'kgetplus', ...words]);
  } catch (error) {
    if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else exitCode = exitCodeOfError(error);
    output.stderr += toFailure(error).message;
  }
  return { exitCode, ...output };
}
