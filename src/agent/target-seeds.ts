import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addSeedFile, indexPathOf } from '../content/seed-file.ts';
import type { SeedTable } from '../content/seed-table.ts';

const INDEX_SUFFIX = indexPathOf('');

/**
 * Uses what earlier runs put into a target directory (layout `files`) as seeds. Returns a line for each
 * file that looked like one and was not used.
 */
export async function loadTargetSeeds(seeds: SeedTable, directory: string): Promise<string[]> {
  const warnings: string[] = [];
  for (const entry of readdirSync(directory)) {
    const nodeDirectory = join(directory, entry);
    if (entry.startsWith('.') || !statSync(nodeDirectory).isDirectory()) continue;
    for (const name of readdirSync(nodeDirectory)) {
      if (!name.endsWith(INDEX_SUFFIX) || name.startsWith('.')) continue;
      const path = join(nodeDirectory, name.slice(0, -INDEX_SUFFIX.length));
      const problem = await addSeedFile(seeds, path);
      if (problem !== undefined) warnings.push(problem.message);
    }
  }
  return warnings;
}
