import type { Launcher, Program } from '../control/channel.ts';
import { windowed } from '../control/launch-window.ts';
import { localLauncher } from '../control/local-launcher.ts';
import { sshLauncher } from '../control/ssh-launcher.ts';
import type { RunOptions } from './gather-options.ts';
import type { System } from './system.ts';
import { splitWords } from './words.ts';

export type LaunchOptions = Pick<RunOptions, 'launcher' | 'ssh' | 'remoteNode' | 'window'>;

/** Starts a program on nodes as the options say. @throws KgetError `usage` */
export function nodeLauncher<Out, In>(
  program: Program<Out, In>,
  options: LaunchOptions,
  system: System,
): Launcher<Out, In> {
  const { clock, processors } = system;
  const start = { clock, processors, window: options.window };
  if (options.launcher === 'local') return windowed(localLauncher({ ...program, clock }), start);
  const remote = options.remoteNode === undefined ? {} : { remoteNode: options.remoteNode };
  const command = splitWords(options.ssh);
  return windowed(sshLauncher({ ...program, ...remote, command, clock }), start);
}
