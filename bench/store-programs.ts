import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** Ordinary users seldom have those of the system in their search path. */
const SEARCH_PATH = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);

const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

/** Whether a program is there. */
export function isThere(program: string): boolean {
  return SEARCH_PATH.split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Runs a program that is not measured. @throws Error if it fails, with what it said */
export async function runTool(program: string, words: readonly string[]): Promise<string> {
  const options = { maxBuffer: OUTPUT_MAX_BYTES, env: { ...process.env, PATH: SEARCH_PATH } };
  const { stdout } = await promisify(execFile)(program, [...words], options);
  return stdout;
}
