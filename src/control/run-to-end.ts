/** A program that has left but does not end within this time is ended: see docs/architecture.md. */
const LINGER_LIMIT_MS = 5000;

/**
 * Runs what a program on a node is for, and sees to the end of its process: SIGTERM aborts the signal
 * that `run` is given, Ctrl-C and hanging up are for the coordinator to deal with.
 */
export function runToEnd(run: (stop: AbortSignal) => Promise<void>): void {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  for (const signal of ['SIGINT', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C at the coordinator's terminal reaches local programs too, and a session of ssh that
      // ends may hang up on us: what follows from it is up to the coordinator, and the end of the
      // input.
    });
  }
  process.stderr.on('error', () => {
    // Whoever read our last words is gone.
  });
  // `process.exit` would wait for a read or a sync that hangs.
  void run(stop.signal).finally(() =>
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LINGER_LIMIT_MS).unref(),
  );
}
