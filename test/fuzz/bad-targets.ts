/** Targets that do what none should, with a few inputs. */
import type { Target } from '../../fuzz/target.ts';
import { KgetError } from '../../src/base/error.ts';

/** Whether the bad targets fail with this input. */
export function isFatal(input: Buffer): boolean {
  return input.length === 1 && (input[0] ?? 0) < 16;
}

const FAULTS: Readonly<Record<string, () => void | Promise<void>>> = {
  throws: () => {
    throw new TypeError('a fault of this target');
  },
  rejects: () => Promise.reject(new KgetError('internal', 'a code that is not allowed')),
  hangs: () => {
    for (;;);
  },
  exits: () => process.exit(3),
  escapes: () => {
    setImmediate(() => {
      throw new RangeError('an error that nobody catches');
    });
    return Promise.withResolvers<void>().promise;
  },
  allocates: () => {
    // In use until it is measured, or it might be collected before.
    const buffer = Buffer.alloc(64 * 1024 * 1024);
    setImmediate(() => buffer.fill(1));
  },
};

export const targets: readonly Target[] = Object.entries(FAULTS).map(([name, fail]) => ({
  name,
  codes: ['corrupt'],
  inputs: 20,
  samples: () => [],
  mutate: (_, dice) => dice.bytes(1),
  run(input) {
    if (isFatal(input)) return fail();
    throw new KgetError('corrupt', 'as it may be');
  },
}));
