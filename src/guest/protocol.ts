/**
 * What host and guest agree on, so that a job runs in a machine: docs/vmdeploy.md describes it. The
 * guest's side is the job runner that `image build` puts into images (a POSIX shell script).
 *
 * - The disk with serial `JOB_DISK` is a tar archive, read-only: `job/command` (a shell script),
 *   `job/environment` (`export NAME='value'` lines for a shell), `job/time-limit` (seconds, or
 *   empty), `job/outputs` (a path or glob a line, relative to the working directory, or absolute),
 *   which the runner unpacks to /job/job. The command runs in /job/inputs, as root:
 *   `sh /job/job/command`.
 * - The disk with serial `INPUT_DISK`, if there is one, is a tar archive of the input files, read-only:
 *   it is unpacked to /job/inputs.
 * - The disk with serial `OUTPUT_DISK` is blank; when the command has ended the runner writes a tar
 *   archive of the outputs to it.
 * - The runner writes lines to the port `STATUS_PORT`, see `GuestEvent`, and what the command says
 *   on standard output and error to the port `LOG_PORT`.
 * - The port of the guest agent speaks QEMU's guest agent protocol: at least `guest-sync`,
 *   `guest-ping`, `guest-fsfreeze-freeze`, `guest-fsfreeze-thaw`, `guest-fsfreeze-status`.
 * - After the job the guest stays up, until it is told to power off (ACPI button).
 */

export const JOB_DISK = 'kgjob';
export const INPUT_DISK = 'kginp';
export const OUTPUT_DISK = 'kgout';
export const STATUS_PORT = 'org.kgetplus.status';
export const LOG_PORT = 'org.kgetplus.log';

/** timeout(1)'s: the time limit ran out. */
export const TIME_LIMIT_STATUS = 124;

/** A line on the status port. */
export type GuestEvent =
  /** `ready`: the runner runs. */
  | { readonly kind: 'ready' }
  /** `started`: the command runs. */
  | { readonly kind: 'started' }
  /** `exit STATUS`: it has ended. */
  | { readonly kind: 'exit'; readonly status: number }
  /** `outputs BYTES`: the archive of outputs is complete and synced. */
  | { readonly kind: 'outputs'; readonly archiveBytes: number }
  /** `failed REASON`: the runner cannot go on; nothing else follows. The reason is printable. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** `done`: nothing else follows. */
  | { readonly kind: 'done' };

/** Of a reason that a guest gives, which is shown to people. */
const MAX_REASON_CHARACTERS = 500;

/** The event of a line; undefined for one that is none, which is passed over. */
export function parseGuestEvent(line: string): GuestEvent | undefined {
  const [word = '', ...rest] = line.trim().split(' ');
  const detail = rest.join(' ');
  const number = /^\d{1,15}$/.test(detail) ? Number(detail) : undefined;
  switch (word) {
    case 'ready':
    case 'started':
    case 'done':
      return { kind: word };
    case 'exit':
      return number === undefined ? undefined : { kind: 'exit', status: number };
    case 'outputs':
      return number === undefined ? undefined : { kind: 'outputs', archiveBytes: number };
    case 'failed':
      return { kind: 'failed', reason: printable(detail) };
    default:
      return undefined;
  }
}

/** A guest may say anything, escape sequences for terminals included. */
function printable(text: string): string {
  return text.slice(0, MAX_REASON_CHARACTERS).replaceAll(/\p{C}/gu, ' ').trim();
}
