import { statSync } from 'node:fs';
import { KgetError, toFailure } from '../base/error.ts';
import { openIndex } from './index-reader.ts';
import type { SeedTable } from './seed-table.ts';

/** The name of the index that lies beside the file at `path`. */
export function indexPathOf(path: string): string {
  return `${path}.caibx`;
}

/**
 * Uses the file at `path` as a seed if a good index lies beside it. Returns why it was not used,
 * for the log; never throws for the sake of a seed.
 */
export async function addSeedFile(seeds: SeedTable, path: string): Promise<KgetError | undefined> {
  try {
    const index = await openIndex(indexPathOf(path));
    try {
      const found = statSync(path).size;
      const wanted = index.shape.sizeBytes;
      if (found !== wanted) {
        const sizes = `found ${found} B, its index wants ${wanted} B`;
        return new KgetError('corrupt', `Cannot use ${path} as a seed: ${sizes}`);
      }
      await seeds.addIndexed(path, index);
      return undefined;
    } finally {
      index.close();
    }
  } catch (error) {
    const { code, message } = toFailure(error);
    return new KgetError(code, message, { cause: error });
  }
}
