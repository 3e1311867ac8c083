/** Time as an argument: the real clock in `cli`, a virtual one in tests and simulation. */
export interface Clock {
  /** Milliseconds since some fixed moment; never runs backwards. */
  nowMs(): number;
  /** Resolves after `durationMs`, or at once when `signal` is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness as an argument: the system's in `cli`, a seeded one in tests and simulation. */
export interface Entropy {
  /** `count` random bytes as lower-case hexadecimal, two digits a byte. */
  hex(count: number): string;
}
