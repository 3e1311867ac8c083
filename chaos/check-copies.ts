import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { outputOf } from '../lab/gather.ts';
import type { PlayedRound } from './check-round.ts';
import { reportsOf } from './check-report.ts';
import { startCommand } from './command.ts';
import { stampOf, type SourceImage } from './images.ts';

const LIMIT_SECONDS = 60;

/** Sources are what they were. */
export function checkSources({ sources }: PlayedRound): readonly string[] {
  return sources.flatMap(({ id, file, sha256, mtimeMs }) => {
    const now = stampOf(file);
    if (now.sha256 !== sha256) return [`the source ${id} has other content than before`];
    return now.mtimeMs === mtimeMs ? [] : [`the source ${id} has another time than before`];
  });
}

/** Every image is on the frontend, byte for byte; a store is verified and restored for that. */
export async function checkCopies(round: PlayedRound): Promise<readonly string[]> {
  const { lab, scenario, sources } = round;
  if (scenario.layout === 'files') return sources.flatMap((image) => compare(image, outputOf(lab)));
  // A node that is gathered once more, by itself, has a run of its own.
  const runs = readdirSync(join(outputOf(lab), 'snapshots')).sort();
  const known = runsOf(round);
  // One that reached no node has a manifest alone.
  const hasImages = (run: string): boolean =>
    readdirSync(join(outputOf(lab), 'snapshots', run)).length > 1;
  const problems = runs
    .filter((run) => !known.has(run))
    .map((run) => `the store has a run ${run} that no report tells of`);
  const restore = ['--store', '/labnode/out', '--to', '/labnode/restored/', '--force'];
  for (const words of [
    ['verify', '--store', '/labnode/out'],
    ...runs.filter(hasImages).map((run) => ['restore', run].concat(restore)),
  ]) {
    const log = join(round.directory, `${words.slice(0, 2).join('-')}.log`);
    const { ended } = startCommand(lab, words, { log, limitSeconds: LIMIT_SECONDS });
    const { exitCode, stderr } = await ended;
    if (exitCode !== 0) problems.push(`${words[0]} ended with ${exitCode}: ${stderr.trim()}`);
  }
  const restored = join(lab.frontend.labnode, 'restored');
  return [...problems, ...sources.flatMap((image) => compare(image, restored))];
}

function runsOf({ commands }: PlayedRound): ReadonlySet<string> {
  return new Set(reportsOf(commands).map(({ run }) => run));
}

function compare({ id, file, node, name }: SourceImage, directory: string): readonly string[] {
  const copy = join(directory, node, name);
  try {
    return readFileSync(copy).equals(readFileSync(file)) ? [] : [`${copy} is not like ${id}`];
  } catch (error) {
    return [`${id} is not there: ${String(error)}`];
  }
}
