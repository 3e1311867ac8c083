const MINUTE_MS = 60_000;

export interface BoundedNoticesOptions {
  readonly perMinute: number;
  readonly nowMs: () => number;
  readonly onNotice: (text: string) => void;
}

/**
 * Passes so many notices a minute; what is left out is told with the first one that passes again.
 */
export function boundedNotices(options: BoundedNoticesOptions): (text: string) => void {
  const { perMinute, nowMs, onNotice } = options;
  let minuteStartMs = nowMs();
  let passed = 0;
  let leftOut = 0;

  return (text) => {
    const now = nowMs();
    if (now - minuteStartMs >= MINUTE_MS) {
      minuteStartMs = now;
      passed = 0;
    }
    if (passed === perMinute) {
      leftOut += 1;
      return;
    }
    passed += 1;
    onNotice(leftOut === 0 ? text : `${text} (and ${leftOut} notices like this were left out)`);
    leftOut = 0;
  };
}
