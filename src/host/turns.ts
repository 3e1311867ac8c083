import { KgetError } from '../base/error.ts';

/** Calls that may wait for one machine. */
const MAX_WAITING = 64;

/** Has calls for one machine made one after the other: the port to hypervisors wants it. */
export interface Turns {
  /** @throws KgetError `internal` if too many wait for this machine; what `action` throws */
  take<T>(vm: string, action: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const lines = new Map<string, { last: Promise<unknown>; waiting: number }>();
  return {
    async take(vm, action) {
      const line = lines.get(vm) ?? { last: Promise.resolve(), waiting: 0 };
      if (line.waiting >= MAX_WAITING) {
        throw new KgetError('internal', `Too many calls wait for machine "${vm}": ${MAX_WAITING}`);
      }
      lines.set(vm, line);
      line.waiting += 1;
      const mine = line.last.then(action);
      line.last = mine.catch(() => {});
      try {
        return await mine;
      } finally {
        line.waiting -= 1;
        if (line.waiting === 0) lines.delete(vm);
      }
    },
  };
}
