/**
 * What went wrong, as a closed set: the exit code and the advice to the user follow from it.
 *
 * - `usage`: wrong arguments or configuration.
 * - `unreachable`: a node cannot be reached, or does not let us in.
 * - `no-node`: a node has no usable Node.js.
 * - `version`: an agent of another version.
 * - `no-match`: a path or glob that matches nothing.
 * - `name-clash`: two images of one node would get the same name on the frontend.
 * - `source-unreadable`, `source-changed`: an image cannot be read, or changed while it was read.
 * - `no-room`, `target-unwritable`: the receiving side has no room, or cannot be written.
 * - `locked`: another run works in the same target directory.
 * - `corrupt`: data that does not match its digest or its format.
 * - `protocol`: a peer that breaks the protocol or has no right to be there.
 * - `disconnected`: a connection or agent went away.
 * - `timeout`: a bounded wait that ran out.
 * - `cancelled`: stopped on request.
 * - `internal`: a fault of our own.
 */
export const ERROR_CODES = [
  'usage',
  'unreachable',
  'no-node',
  'version',
  'no-match',
  'name-clash',
  'source-unreadable',
  'source-changed',
  'no-room',
  'target-unwritable',
  'locked',
  'corrupt',
  'protocol',
  'disconnected',
  'timeout',
  'cancelled',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error in the shape in which it crosses the control channel and lands in reports. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The one error class: a code, and a message that says what was tried, found and wanted. */
export class KgetError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'KgetError';
    this.code = code;
  }
}

/** The failure that an error of any origin stands for; unknown ones become `internal`. */
export function toFailure(error: unknown): Failure {
  if (error instanceof KgetError) return { code: error.code, message: error.message };
  if (error instanceof Error) return { code: 'internal', message: error.message };
  return { code: 'internal', message: String(error) };
}

/** The operating system's code (`ENOENT`, `ENOSPC`, …) of an error, if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}
