/**
 * A process that tries inputs for `crew.ts`. Arguments: the module with the targets, and a
 * directory of its own. It writes the number of the input under way to the file `under-way` there,
 * so that it is known however the process ends.
 */
import { openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Share, ShareResult } from './crew.ts';
import type { Target } from './target.ts';
import { tryInput } from './try-input.ts';

const [targetsFile = '', directory = ''] = process.argv.slice(2);
const { targets }: { readonly targets: readonly Target[] } = await import(targetsFile);
const mark = openSync(join(directory, 'under-way'), 'w');

process.on('message', (share: Share) => {
  void work(share).then((result) => process.send?.(result));
});

// An interrupt is for the crew; with it gone there is nothing left to do.
process.on('SIGINT', () => undefined);
process.once('disconnect', () => {
  rmSync(directory, { recursive: true, force: true });
  process.exit();
});

async function work(share: Share): Promise<ShareResult> {
  const target = targets.find(({ name }) => name === share.target);
  if (target === undefined) throw new Error(`there is no target ${share.target}`);
  const samples = target.samples();
  const file = join(directory, 'input');
  const counts: Record<string, number> = {};
  const findings: { number: number; what: string }[] = [];
  for (let number = share.from; number < share.from + share.count; number += 1) {
    writeSync(mark, String(number).padEnd(20), 0);
    const outcome = await tryInput(target, samples, { seed: share.seed, number, file });
    if (outcome.kind === 'finding') findings.push({ number, what: outcome.what });
    else counts[outcome.as] = (counts[outcome.as] ?? 0) + 1;
  }
  return { counts, findings };
}
