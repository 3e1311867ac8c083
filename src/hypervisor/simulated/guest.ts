/** What a simulated guest does, by how long it has run. */
export interface GuestScript {
  /**
   * From power on until its job runner runs, and its agent and the power button are minded; null if
   * it never gets there.
   */
  readonly bootMs: number | null;
  /** What it does then, ascending; a guest that has done all of it stays up. */
  readonly steps: readonly GuestStep[];
  /** From when the power button is minded until it is off; null if the guest does not mind it. */
  readonly shutdownMs: number | null;
  readonly hasAgent: boolean;
  /** Written to the first copy-on-write disk, all the time from `bootMs` on. */
  readonly diskBytesPerSecond: number;
  /** Memory that is written, and must be sent once more in a migration. */
  readonly memoryBytesPerSecond: number;
}

/** `atMs` counts from when it has booted. */
export type GuestStep = { readonly atMs: number } & GuestAct;

export type GuestAct =
  /** To a channel of that name: the lines are kept, and appended to its file, if it has one. */
  | { readonly kind: 'say'; readonly port: string; readonly line: string }
  | { readonly kind: 'write'; readonly sizeBytes: number }
  | { readonly kind: 'panic' }
  | { readonly kind: 'power-off' };

/** What a guest remembers, and snapshots with memory keep. */
export interface GuestMemory {
  /** How long its processors have run since it was started. */
  readonly ranMs: number;
  /** Of the script. */
  readonly stepsDone: number;
  /** By `ranMs`: when it is off, since the power button was pressed. */
  readonly offAtMs: number | null;
  readonly ignoresButton: boolean;
}

/** A guest that is switched on. */
export const SWITCHED_ON: GuestMemory = {
  ranMs: 0,
  stepsDone: 0,
  offAtMs: null,
  ignoresButton: false,
};

/** Since when it has booted, by its own time; below 0 before. */
export function upMs(script: GuestScript, memory: GuestMemory): number {
  return script.bootMs === null ? -Infinity : memory.ranMs - script.bootMs;
}

export function isUp(script: GuestScript, memory: GuestMemory): boolean {
  return upMs(script, memory) >= 0;
}

/** The next thing that a guest does if it runs on, and in how long; undefined if it is nothing. */
export function nextAct(
  script: GuestScript,
  memory: GuestMemory,
): { readonly inMs: number; readonly act: GuestAct } | undefined {
  const up = upMs(script, memory);
  const step = up === -Infinity ? undefined : script.steps[memory.stepsDone];
  const stepInMs = step === undefined ? Infinity : Math.max(0, step.atMs - Math.min(up, step.atMs));
  const offInMs = memory.offAtMs === null ? Infinity : Math.max(0, memory.offAtMs - memory.ranMs);
  if (offInMs <= stepInMs && offInMs < Infinity) {
    return { inMs: offInMs, act: { kind: 'power-off' } };
  }
  return step === undefined ? undefined : { inMs: stepInMs, act: step };
}

/** What it remembers when the power button was pressed. */
export function pressButton(script: GuestScript, memory: GuestMemory): GuestMemory {
  const minds = script.shutdownMs !== null && !memory.ignoresButton && isUp(script, memory);
  if (!minds || memory.offAtMs !== null) return memory;
  return { ...memory, offAtMs: memory.ranMs + (script.shutdownMs ?? 0) };
}
