import { spawn } from 'node:child_process';
import type { Failure } from '../base/error.ts';

/** A hook that runs longer is ended. */
const HOOK_LIMIT_MS = 60_000;
/** How much of a hook's output is kept for the message. */
const OUTPUT_LIMIT_CHARACTERS = 2000;

/**
 * A function that runs `command` through the shell for each released node, with `{node}` replaced,
 * and resolves with what went wrong, if anything; it never rejects.
 */
export function releaseHook(
  command: string,
  { limitMs = HOOK_LIMIT_MS } = {},
): (node: string) => Promise<Failure | undefined> {
  return (node) => runHook(command.replaceAll('{node}', node), { node, limitMs });
}

function runHook(
  command: string,
  { node, limitMs }: { readonly node: string; readonly limitMs: number },
): Promise<Failure | undefined> {
  const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
  // A process group of its own, so that a Ctrl-C for us does not cut off a host's return.
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-OUTPUT_LIMIT_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const timer = setTimeout(() => {
    endGroup(child.pid);
    // Whether it dies or not: one that waits for a disk does not.
    end(`was ended after ${limitMs / 1000} s`, 'timeout');
  }, limitMs);
  const end = (problem: string | undefined, code: Failure['code']): void => {
    clearTimeout(timer);
    const said = output.trim() === '' ? '' : `; it said: ${output.trim()}`;
    const message = `The release command for ${node} (${command}) ${problem}${said}`;
    resolve(problem === undefined ? undefined : { code, message });
  };
  child.on('error', (error) => end(`could not be started: ${error.message}`, 'internal'));
  child.on('exit', (status, signal) => {
    if (status === 0) end(undefined, 'internal');
    else
      end(signal === null ? `ended with status ${status}` : `was ended by ${signal}`, 'internal');
  });
  return promise;
}

function endGroup(processId: number | undefined): void {
  try {
    if (processId !== undefined) process.kill(-processId, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
