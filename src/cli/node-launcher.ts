import type { AgentLauncher } from '../control/channel.ts';
import { windowed } from '../control/launch-window.ts';
import { localLauncher } from '../control/local-launcher.ts';
import { sshLauncher } from '../control/ssh-launcher.ts';
import type { RunOptions } from './gather-options.ts';
import type { System } from './system.ts';
import { splitWords } from './words.ts';

type LaunchOptions = Pick<RunOptions, 'launcher' | 'ssh' | 'remoteNode' | 'window'>;

/** Starts the agents of nodes as the options say. @throws KgetError `usage` */
export function nodeLauncher(options: LaunchOptions, system: System): AgentLauncher {
  const { agent, clock, processors } = system;
  const start = { clock, processors, window: options.window };
  if (options.launcher === 'local') return windowed(localLauncher({ ...agent, clock }), start);
  const remote = options.remoteNode === undefined ? {} : { remoteNode: options.remoteNode };
  const command = splitWords(options.ssh);
  return windowed(sshLauncher({ ...agent, ...remote, command, clock }), start);
}
