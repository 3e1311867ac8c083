import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** A tool that has not ended by then is killed. */
const TOOL_TIMEOUT_MS = 60_000;

/** How much of a tool's output an error quotes. */
const QUOTED_CHARACTERS = 600;

/**
 * The search path for tools and for commands in a lab: the running Node.js first, so that all hosts
 * have the one that runs the lab, and the system's own folders, which ordinary users often lack.
 */
export const TOOL_PATH = [
  ...new Set([
    dirname(process.execPath),
    ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ]),
].join(delimiter);

/** The absolute path of a tool, or undefined if it is not installed. */
export function findTool(name: string): string | undefined {
  return TOOL_PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a tool to its end and returns what it printed.
 * @throws Error with the command and its complaint, if it cannot start, fails or takes too long
 */
export async function runTool(argv: readonly string[], input = ''): Promise<string> {
  const [tool = '', ...rest] = argv;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (found: string): void => {
    reject(new Error(`Cannot run "${argv.join(' ')}": ${found}`));
  };
  const child = spawn(tool, rest, {
    env: { ...process.env, PATH: TOOL_PATH },
    timeout: TOOL_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let printed = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-QUOTED_CHARACTERS);
  });
  child.on('error', (error) => {
    fail(error.message);
  });
  child.on('close', (code, signal) => {
    if (code === 0) resolve(printed);
    else fail(`${signal ?? `exit code ${code}`}: ${complaint.trim() || 'no message'}`);
  });
  // A tool that ends early closes its input; what it says about that is in its exit code.
  child.stdin.on('error', () => undefined).end(input);
  return promise;
}

/** Waits for the end of all, so that nothing goes on behind a failure; then throws the first. */
export async function allDone(tasks: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Calls `action` for every item, at most `limit` at a time; none is begun after a failure. */
export async function forEachLimited<Item>(
  items: readonly Item[],
  limit: number,
  action: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const work = async (): Promise<void> => {
    try {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        await action(item);
      }
    } finally {
      waiting.length = 0;
    }
  };
  await allDone(Array.from({ length: limit }, work));
}
