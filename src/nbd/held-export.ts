import { assert } from '../base/assert.ts';
import type { DiskUse, DiskUses } from './disk-uses.ts';

/**
 * The disk that a client asked for last. It stays in use from one option to the next, as clients
 * ask for the same one several times.
 */
export interface HeldExport {
  /** `undefined` if there is no such disk. */
  use(name: string): Promise<DiskUse | undefined>;
  /** Returns the use that is held, and holds it no longer. */
  handOver(use: DiskUse): DiskUse;
  letGo(): void;
}

export function holdExport(uses: DiskUses): HeldExport {
  let held: { readonly wanted: string; readonly use: DiskUse } | undefined;

  function letGo(): void {
    held?.use.release();
    held = undefined;
  }

  return {
    use: async (wanted) => {
      if (held?.wanted === wanted) return held.use;
      const use = await uses.use(wanted);
      letGo();
      if (use !== undefined) held = { wanted, use };
      return use;
    },
    handOver: (use) => {
      assert(held?.use === use, 'the use is the one that is held');
      held = undefined;
      return use;
    },
    letGo,
  };
}
