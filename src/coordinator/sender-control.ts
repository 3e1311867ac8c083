/**
 * Just enough senders (`--senders auto`): one more sender to the frontend is tried after each
 * interval in which all allowed senders were busy, and kept only if the total rate grew by
 * `GROWTH`.
 */
const GROWTH = 1.05;
const MAX_SENDERS = 16;

export interface SenderControl {
  readonly allowed: number;
  readonly bestBytesPerSecond: number;
  /** Set when one more did not help: no further tries. */
  readonly settled: boolean;
}

export interface RateSample {
  readonly bytesPerSecond: number;
  /** Nodes that sent during the whole interval. */
  readonly senders: number;
}

export const INITIAL_SENDERS: SenderControl = { allowed: 1, bestBytesPerSecond: 0, settled: false };

/** The control after one more interval. */
export function adjustSenders(control: SenderControl, sample: RateSample): SenderControl {
  if (control.settled || sample.senders < control.allowed) return control;
  if (sample.bytesPerSecond < control.bestBytesPerSecond * GROWTH) {
    return { ...control, allowed: Math.max(1, control.allowed - 1), settled: true };
  }
  const allowed = Math.min(MAX_SENDERS, control.allowed + 1);
  return {
    allowed,
    bestBytesPerSecond: sample.bytesPerSecond,
    settled: allowed === control.allowed,
  };
}
