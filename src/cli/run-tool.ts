import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KgetError, systemCode } from '../base/error.ts';

/** Characters of what a tool complains of that are told. */
const MAX_COMPLAINT = 2000;
/** What it may say in all. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * Runs a program of this host to its end; `task` completes "Cannot …" in errors.
 * @throws KgetError `usage` if it is not installed, `target-unwritable` if it fails, `cancelled`
 */
export async function runTool(
  [program, ...words]: readonly [string, ...string[]],
  { task, signal }: { readonly task: string; readonly signal: AbortSignal },
): Promise<void> {
  const options = { signal, maxBuffer: MAX_OUTPUT_BYTES };
  try {
    await promisify(execFile)(program, words, options);
  } catch (cause) {
    if (signal.aborted) {
      throw new KgetError('cancelled', `Cannot ${task}: stopped on request`, { cause });
    }
    if (systemCode(cause) === 'ENOENT') {
      const found = `${program} is not installed here`;
      throw new KgetError('usage', `Cannot ${task}: ${found}; install it`, { cause });
    }
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    const found = said === '' ? String(cause) : said.slice(0, MAX_COMPLAINT);
    throw new KgetError('target-unwritable', `Cannot ${task}: ${found}`, { cause });
  }
}
