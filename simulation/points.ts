import { join } from 'node:path';

/** Places in production code at which a process has an effect that others can see. */
export interface CrashPoints {
  /** All that were seen. */
  readonly seen: Map<string, number>;
  /** Those before which a process was crashed, and how often. */
  readonly crashed: Map<string, number>;
}

export function noPoints(): CrashPoints {
  return { seen: new Map(), crashed: new Map() };
}

/** Where what happens now was asked for: the system does it later, when no code of ours runs. */
let askedFor: Error | undefined;

/** Remembers a place in the code, for `asAskedAt`. */
export function placeOfCall(): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const place = new Error();
  Error.stackTraceLimit = limit;
  return place;
}

/** Does what was asked for at another place before. */
export function asAskedAt<T>(place: Error, action: () => T): T {
  askedFor = place;
  try {
    return action();
  } finally {
    askedFor = undefined;
  }
}

const SOURCE = `${join(import.meta.dirname, '../src')}/`;
const FRAMES = 30;

/** Notes the place in production code that runs now. */
export function notePoint(points: CrashPoints, as: keyof CrashPoints): void {
  const { stack = '' } = askedFor ?? placeOfCall();
  const place = placeIn(stack);
  points[as].set(place, (points[as].get(place) ?? 0) + 1);
}

/** `file:line function` of the innermost frame of production code. */
function placeIn(stack: string): string {
  for (const line of stack.split('\n')) {
    const at = line.indexOf(SOURCE);
    if (at < 0) continue;
    const [file = '', row = ''] = line.slice(at + SOURCE.length).split(':');
    const name = /at (?:async )?([^ (]+) \(/.exec(line)?.[1] ?? '';
    return `${file}:${row} ${name}`.trim();
  }
  return 'the system, on its own time';
}
