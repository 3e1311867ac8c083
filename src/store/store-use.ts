import { takeLease } from './lease.ts';
import type { StorePlace } from './store-place.ts';

/**
 * Says that this process reads a store, until it is disposed of. A store that cannot be written can
 * be read all the same: nobody prunes it either.
 */
export function useStore(place: StorePlace, kind: string): Disposable {
  try {
    const lease = takeLease(place, kind);
    return { [Symbol.dispose]: () => lease.release() };
  } catch {
    return { [Symbol.dispose]: () => {} };
  }
}
