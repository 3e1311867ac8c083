/** Bytes of items that are worked on ahead, at most (but always one item), and how many. */
const MAX_AHEAD_BYTES = 32 * 1024 * 1024;
const MAX_AHEAD_ITEMS = 16;

/**
 * Works on several items at once and yields the results in the order of the items. Work that was
 * begun has ended when this returns or throws.
 */
export async function* inOrder<Item extends { readonly lengthBytes: number }, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, void> {
  const ahead: { readonly result: Promise<Result>; readonly lengthBytes: number }[] = [];
  let aheadBytes = 0;
  async function* take(): AsyncGenerator<Result, void, void> {
    const next = ahead.shift();
    if (next === undefined) return;
    aheadBytes -= next.lengthBytes;
    yield await next.result;
  }
  try {
    for await (const item of items) {
      const { lengthBytes } = item;
      while (ahead.length > 0 && aheadBytes + lengthBytes > MAX_AHEAD_BYTES) yield* take();
      if (ahead.length >= MAX_AHEAD_ITEMS) yield* take();
      const result = work(item);
      // A failure is told when its turn comes; before that nobody listens.
      result.catch(() => {});
      ahead.push({ result, lengthBytes });
      aheadBytes += lengthBytes;
    }
    while (ahead.length > 0) yield* take();
  } finally {
    await Promise.allSettled(ahead.map(({ result }) => result));
  }
}
