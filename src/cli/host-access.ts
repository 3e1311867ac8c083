import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseSize } from '../base/units.ts';
import { DEFAULT_WINDOW } from '../control/launch-window.ts';
import type { JobAccess } from '../job/record/job-record.ts';

/** How the hosts of machines are reached, as a command line has it. */
export interface AccessOptions {
  readonly ssh: string;
  readonly launcher: 'ssh' | 'local';
  readonly remoteNode?: string;
  readonly nodeDir?: string;
  readonly nodeMemory?: number;
  readonly sharedDir?: string;
}

/** Host agents that start at once at most. */
export const HOST_WINDOW = DEFAULT_WINDOW;

/** Declares how hosts are reached, and what of them machines may take. */
export function addAccessOptions(command: Command): Command {
  return command
    .option('--ssh <command>', 'remote shell', 'ssh')
    .option('--remote-node <path>', 'Node.js (20 or newer) on the nodes')
    .addOption(
      new Option('--launcher <kind>', 'how host agents start')
        .choices(['ssh', 'local'])
        .default('ssh'),
    )
    .option(
      '--node-dir <dir>',
      'where machines and images lie on nodes [~/.local/share/kgetplus]',
      absolute,
    )
    .option(
      '--shared-dir <dir>',
      'where the disks of machines lie, on storage that all nodes share',
      absolute,
    )
    .option(
      '--node-memory <size>',
      'memory that machines may take of a node [what it has, less a reserve]',
      size,
    );
}

/** As it is noted with a job. */
export function accessOf(options: AccessOptions): Omit<JobAccess, 'onRelease' | 'booting'> {
  return {
    ssh: options.ssh,
    launcher: options.launcher,
    remoteNode: options.remoteNode ?? null,
    directory: options.nodeDir ?? null,
    memoryLimitBytes: options.nodeMemory ?? null,
    sharedDirectory: options.sharedDir ?? null,
  };
}

function absolute(path: string): string {
  if (path.startsWith('/')) return path;
  throw new InvalidArgumentError('Wanted an absolute path on the nodes.');
}

function size(text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
