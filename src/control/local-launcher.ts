import { spawn } from 'node:child_process';
import { execPath } from 'node:process';
import type { Clock } from '../base/clock.ts';
import { agentProcess } from './agent-process.ts';
import { AGENT_NODE_OPTIONS } from './bootstrap.ts';
import type { Launcher, Program } from './channel.ts';
import { START_TIMEOUT_MS, startAgent } from './start-agent.ts';

const LOOPBACK = '127.0.0.1';

/** Where the agent of one node runs, among several on this host. */
interface LocalPlace {
  readonly cwd?: string;
  /** The agent's whole environment; ours if not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface LocalLauncherOptions<Out, In> extends Program<Out, In> {
  readonly clock: Clock;
  /** `START_TIMEOUT_MS` if not given. */
  readonly startTimeoutMs?: number;
  readonly placeOf?: (node: string) => LocalPlace;
}

/**
 * Starts agents as processes of this host, with our own Node.js: the frontend's agent,
 * demonstrations and tests. Each stands in a session of its own, so that Ctrl-C reaches only us.
 */
export function localLauncher<Out, In>(options: LocalLauncherOptions<Out, In>): Launcher<Out, In> {
  return {
    async launch(node, signal) {
      const child = spawn(execPath, [...AGENT_NODE_OPTIONS, options.agentFile], {
        ...options.placeOf?.(node),
        stdio: 'pipe',
        detached: true,
      });
      return startAgent({
        process: agentProcess(child, options.clock),
        node,
        dialect: options.dialect,
        version: options.version,
        clock: options.clock,
        timeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
        signal,
        fallbackAddress: LOOPBACK,
      });
    },
  };
}
