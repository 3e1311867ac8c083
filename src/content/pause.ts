/** Lets the event loop serve everybody else once before the caller goes on. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
