import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  answerMessage,
  caller,
  type AnswerMessage,
  type CallMessage,
  type RequestOf,
  type ResultOf,
} from '../../src/control/calls.ts';
import { HOST_CALLS, type HostCalls } from '../../src/control/host-calls.ts';
import { streamChannel } from '../../src/control/stream-channel.ts';
import type { Authority } from '../../src/transfer/identity.ts';
import { realClock } from '../control/clocks.ts';

const CALL_LIMIT_MS = 120_000;
const CHUNK_BYTES = 131_072;

/** A host agent as a process of its own. */
export interface RealAgent {
  readonly node: string;
  readonly port: number;
  readonly facts: ResultOf<HostCalls, 'configure'>;
  call<Name extends keyof HostCalls>(
    name: Name,
    request: RequestOf<HostCalls, Name>,
  ): Promise<ResultOf<HostCalls, Name>>;
  /** Ends the channel, and resolves when the process has ended; with what exit status. */
  leave(): Promise<number | null>;
}

/** Its process is killed when `signal` is aborted. */
export async function startRealAgent(options: {
  readonly node: string;
  readonly directory: string;
  readonly authority: Authority;
  readonly hypervisor: 'qemu' | 'libvirt' | 'none';
  readonly signal: AbortSignal;
  /** The command line of another program than the host agent itself. */
  readonly program?: readonly string[];
}): Promise<RealAgent> {
  const { node, directory, authority, hypervisor, signal } = options;
  const program = options.program ?? [join(import.meta.dirname, '../../src/host/main.ts')];
  const child = spawn(process.execPath, program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  signal.addEventListener('abort', () => child.kill('SIGKILL'));
  const channel = streamChannel<CallMessage, AnswerMessage>({
    readable: child.stdout,
    writable: child.stdin,
    schema: answerMessage,
    peer: `the host agent on ${node}`,
  });
  const calls = caller({
    channel,
    table: HOST_CALLS,
    clock: realClock,
    peer: `the host agent on ${node}`,
    onNotice: (text) => assert.fail(text),
  });
  const terms = { limitMs: CALL_LIMIT_MS };
  const configuration = {
    node,
    identity: await authority.issue(node),
    chunkSizeBytes: CHUNK_BYTES,
    directory,
    hypervisor,
    memoryLimitBytes: null,
  };
  const facts = await calls.call('configure', configuration, terms);
  return {
    node,
    port: facts.port,
    facts,
    call: (name, request) => calls.call(name, request, terms),
    async leave() {
      calls.close();
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}
