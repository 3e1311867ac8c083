import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { ChunkArrivals, ImageShape } from './image.ts';
import { chunkCountOf } from './shape.ts';

/** Waits that one image bears at once: one for every receiver that pulls it. */
const MAX_WAITS = 1024;

/** Notes which chunks of an image under way are here, a bit for each. */
export interface ArrivalNotes extends ChunkArrivals {
  /** The chunk at `position` can be read from now on. */
  arrived(position: number): void;
  /** All of them can. */
  allArrived(): void;
  /** No more will come: waiting, now or later, throws `failure`. */
  fail(failure: KgetError): void;
}

interface Wait {
  readonly position: number;
  resolve(): void;
  reject(failure: KgetError): void;
}

/** No chunk has arrived. `title` names the image in errors. */
export function noteArrivals(shape: ImageShape, title: string): ArrivalNotes {
  const chunkCount = chunkCountOf(shape);
  const bits = new Uint8Array(Math.ceil(chunkCount / 8));
  const waits = new Set<Wait>();
  let isComplete = false;
  let failure: KgetError | undefined;

  const isHere = (position: number): boolean =>
    isComplete || ((bits[position >> 3] ?? 0) & (1 << (position & 7))) !== 0;

  function wake(): void {
    for (const wait of waits) if (isHere(wait.position)) wait.resolve();
  }
  return {
    readable(first, atMost) {
      let count = 0;
      while (count < atMost && isHere(first + count)) count += 1;
      return count;
    },
    async waitFor(position, signal) {
      assert(position < chunkCount, `chunk ${position} is beyond the image`);
      if (isHere(position)) return;
      if (failure !== undefined) throw failure;
      if (signal.aborted) throw stopped(title);
      assert(waits.size < MAX_WAITS, 'too many wait for one image');
      await untilWoken(waits, { position, title, signal });
    },
    arrived(position) {
      bits[position >> 3] = (bits[position >> 3] ?? 0) | (1 << (position & 7));
      wake();
    },
    allArrived() {
      isComplete = true;
      wake();
    },
    fail(reason) {
      failure ??= reason;
      for (const wait of waits) wait.reject(failure);
    },
  };
}

async function untilWoken(
  waits: Set<Wait>,
  terms: { readonly position: number; readonly title: string; readonly signal: AbortSignal },
): Promise<void> {
  const { position, title, signal } = terms;
  let wait: Wait | undefined;
  let onAbort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      wait = { position, resolve, reject };
      waits.add(wait);
      onAbort = () => reject(stopped(title));
      signal.addEventListener('abort', onAbort);
    });
  } finally {
    if (wait !== undefined) waits.delete(wait);
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

function stopped(title: string): KgetError {
  return new KgetError('cancelled', `Cannot wait for more of ${title}: stopped on request`);
}
