import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import { SSH_OPTIONS } from '../base/ssh-options.ts';
import { agentProcess } from './agent-process.ts';
import { bootstrapCommand, checkRemoteNode } from './bootstrap.ts';
import { followBootstrap } from './bootstrap-dialogue.ts';
import type { Launcher, Program } from './channel.ts';
import { START_TIMEOUT_MS, startAgent } from './start-agent.ts';

export interface SshLauncherOptions<Out, In> extends Program<Out, In> {
  /** The remote shell, a word each; node and command are put behind it. `['ssh']` if not given. */
  readonly command?: readonly string[];
  /** The Node.js to use on the nodes; without it the usual places are searched. */
  readonly remoteNode?: string;
  readonly clock: Clock;
  /** `START_TIMEOUT_MS` if not given. */
  readonly startTimeoutMs?: number;
}

/**
 * Starts agents over the system's ssh, one connection each: the agent is shipped over it unless the
 * node has it, and speaks over it from then on. The connection's process stands in a session of its
 * own, so that Ctrl-C reaches only us and we can end the agents in order.
 * @throws KgetError `usage` when `remoteNode` is not a plain path
 */
export function sshLauncher<Out, In>(options: SshLauncherOptions<Out, In>): Launcher<Out, In> {
  const [program = 'ssh', ...words] = options.command ?? ['ssh'];
  const ourWords = basename(program) === 'ssh' ? SSH_OPTIONS : [];
  if (options.remoteNode !== undefined) checkRemoteNode(options.remoteNode);
  let shipment: Promise<Shipment> | undefined;

  return {
    async launch(node, signal) {
      refuseOption(node);
      shipment ??= readShipment(options);
      const { agent, command } = await shipment;
      const child = spawn(program, [...words, ...ourWords, node, command], {
        stdio: 'pipe',
        detached: true,
      });
      const process = agentProcess(child, options.clock);
      return startAgent({
        process,
        node,
        dialect: options.dialect,
        version: options.version,
        clock: options.clock,
        timeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
        signal,
        fallbackAddress: node.slice(node.lastIndexOf('@') + 1),
        prepare: (lines) => followBootstrap({ node, program, process, agent, lines }),
      });
    },
  };
}

interface Shipment {
  readonly agent: Buffer;
  readonly command: string;
}

async function readShipment(
  options: Pick<SshLauncherOptions<unknown, unknown>, 'agentFile' | 'remoteNode'>,
): Promise<Shipment> {
  const { agentFile, remoteNode } = options;
  const agent = await readFile(agentFile).catch((cause: unknown) => {
    const advice = 'the installation is incomplete: install Kget+ again, or run "npm run build"';
    throw new KgetError('internal', `Cannot read the agent ${agentFile}; ${advice}`, { cause });
  });
  const command = bootstrapCommand({
    agentDigest: createHash('sha256').update(agent).digest('hex'),
    agentSizeBytes: agent.length,
    ...(remoteNode !== undefined && { remoteNode }),
  });
  return { agent, command };
}

/** A node's name that looks like an option would be one to ssh, and could run any command here. */
function refuseOption(node: string): void {
  if (node !== '' && !node.startsWith('-')) return;
  throw new KgetError('usage', `Cannot use "${node}" as a node: wanted a host name or address`);
}
