import type { Entropy } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';

/** Ids that an error names. */
const MAX_SHOWN = 5;

/**
 * An id for a job: `NAME-20260131T235959Z-1a2b`, at most 53 characters long. Its machines are
 * called `ID.1`, `ID.2`, …
 */
export function jobId(
  name: string,
  { at, entropy }: { readonly at: Date; readonly entropy: Entropy },
): string {
  return `${name}-${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${entropy.hex(2)}`;
}

const ID = /^[a-z0-9][a-z0-9-]{0,30}-\d{8}T\d{6}Z-[0-9a-f]{4}$/;

export function isJobId(text: string): boolean {
  return ID.test(text);
}

/**
 * The id that a text stands for: one of `ids`, or the beginning of just one; `latest` is the last
 * of them. @throws KgetError `usage`
 */
export function chooseJob(text: string, ids: readonly string[]): string {
  const last = ids.at(-1);
  if (last === undefined) {
    throw refusal(
      text,
      'no job was submitted here; kgetplus job submit does so, --store names another store',
    );
  }
  if (text === 'latest') return last;
  if (ids.includes(text)) return text;
  const begun = text === '' ? [] : ids.filter((id) => id.startsWith(text));
  const [found, ...others] = begun;
  if (found !== undefined && others.length === 0) return found;
  const near = found === undefined ? ids : begun;
  const more = near.length > MAX_SHOWN ? ', …' : '';
  const names = `${near.slice(-MAX_SHOWN).join(', ')}${more}`;
  throw refusal(
    text,
    found === undefined
      ? `no job begins so, there are ${names}`
      : `${begun.length} jobs begin so: ${names}; write more of its id, or latest`,
  );
}

/**
 * The job and the machine that a text stands for: `JOB.3` is one machine, `JOB` all of them, where
 * JOB is as for `chooseJob`. @throws KgetError `usage`
 */
export function chooseVm(
  text: string,
  ids: readonly string[],
): { readonly job: string; readonly vm: string | null } {
  const [, job = text, number] = /^(.*)\.([1-9]\d{0,4})$/.exec(text) ?? [];
  const found = chooseJob(job, ids);
  return { job: found, vm: number === undefined ? null : `${found}.${number}` };
}

function refusal(text: string, found: string): KgetError {
  return new KgetError('usage', `Cannot tell which job "${text}" is: ${found}`);
}
