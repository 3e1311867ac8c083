import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import type { Field } from './round.ts';

const COMMAND = join(import.meta.dirname, '../bin/kgetplus.cjs');

/** Limits that make a round short: what is silent is given up soon. */
const SHORT_LIMITS: Readonly<Record<string, string>> = {
  '--stall-timeout': '4s',
  '--agent-timeout': '12s',
  '--orphan-timeout': '20s',
};

/** What the command of this checkout can do. */
export function abilities(): Pick<Field, 'gatherWords' | 'hasResume'> {
  const help = helpOf('gather');
  const limits = Object.entries(SHORT_LIMITS).filter(([option]) => help.includes(option));
  return {
    gatherWords: limits.flat(),
    hasResume: helpOf('resume').includes('kgetplus resume'),
  };
}

function helpOf(command: string): string {
  const { stdout } = spawnSync(process.execPath, [COMMAND, command, '--help'], {
    encoding: 'utf8',
  });
  return stdout;
}
