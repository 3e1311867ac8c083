import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { addSeedFile, indexPathOf } from '../content/seed-file.ts';
import type { SeedTable } from '../content/seed-table.ts';

const INDEX_SUFFIX = indexPathOf('');

/**
 * What lies in a target directory: `NODE/FILE` of each seed, and a line for what could not be one.
 */
export interface TargetSeeds {
  readonly seeded: string[];
  readonly warnings: string[];
}

/** Uses what earlier runs put into a target directory (layout `files`) as seeds. */
export async function loadTargetSeeds(seeds: SeedTable, directory: string): Promise<TargetSeeds> {
  const seeded: string[] = [];
  const warnings: string[] = [];
  for (const entry of readdirSync(directory)) {
    const nodeDirectory = join(directory, entry);
    const stat = statSync(nodeDirectory, { throwIfNoEntry: false });
    if (entry.startsWith('.') || stat?.isDirectory() !== true) continue;
    for (const name of readdirSync(nodeDirectory)) {
      if (!name.endsWith(INDEX_SUFFIX) || name.startsWith('.')) continue;
      const path = join(nodeDirectory, name.slice(0, -INDEX_SUFFIX.length));
      const problem = await addSeedFile(seeds, path);
      if (problem === undefined) seeded.push(relative(directory, path));
      else warnings.push(problem.message);
    }
  }
  return { seeded, warnings };
}
