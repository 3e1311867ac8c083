import { randomBytes } from 'node:crypto';
import type { Clock, Entropy } from '../base/clock.ts';
import type { AnswerMessage, CallMessage } from '../control/calls.ts';
import type { Program } from '../control/channel.ts';
import type { AgentMessage, CoordinatorMessage } from '../control/messages.ts';

/** The system's source of randomness. */
export const systemEntropy: Entropy = {
  hex: (count) => randomBytes(count).toString('hex'),
};

/** What the commands know of the world; made once, in main.ts. */
export interface System {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** The bundled agent. */
  readonly agent: Program<CoordinatorMessage, AgentMessage>;
  /** The bundled host agent, which minds virtual machines. */
  readonly host: Program<CallMessage, AnswerMessage>;
  /** The bundled thread that reads chunks. */
  readonly chunkWorkerFile: string;
  /** How many processors this process may use. */
  readonly processors: number;
  /** The program and the words with which this command is started again. */
  readonly ownCommand: readonly [string, ...string[]];
  /** The words after the name of this command. */
  readonly commandLine: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first Ctrl-C; the second one ends the process. */
  readonly interrupt: AbortSignal;
  setExitCode(code: number): void;
}
