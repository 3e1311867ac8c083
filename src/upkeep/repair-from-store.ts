import { basename, dirname } from 'node:path';
import { toFailure } from '../base/error.ts';
import { chunkFiles } from '../store/chunk-files.ts';
import { storePlace } from '../store/store-place.ts';
import type { RepairSource } from './repair.ts';

/**
 * Another store: its directory, or only that of its chunks (`*.castr`), as casync has it, too.
 */
export function storeSource(directory: string): RepairSource {
  const isBare = basename(directory).endsWith('.castr');
  const place = isBare
    ? { ...storePlace(dirname(directory)), chunks: directory }
    : storePlace(directory);
  const reader = chunkFiles(place);
  return {
    title: directory,
    async offerTo(wanted, offer, signal) {
      const warnings: string[] = [];
      for (const chunk of wanted.values()) {
        if (signal.aborted) break;
        try {
          if (reader.packedBytes(chunk.digest) === undefined) continue;
          await offer(await reader.read(chunk), chunk);
        } catch (error) {
          warnings.push(toFailure(error).message);
        }
      }
      return warnings;
    },
  };
}
