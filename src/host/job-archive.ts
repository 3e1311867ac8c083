import type { WantedVm } from '../control/host-calls.ts';
import { TAR_END, tarHeader, tarPadding } from '../content/tar-header.ts';

/** Disks are whole multiples of it: guests with any block size can read all of them. */
export const DISK_UNIT_BYTES = 64 * 1024;

export type Task = NonNullable<WantedVm['task']>;

/** The archive on the disk `JOB_DISK`, a whole disk: see guest/protocol.ts. */
export function jobArchive(task: Task): Buffer {
  const { timeLimitSeconds, outputs, command } = task;
  const archive = Buffer.concat([
    entry('job/command', command),
    entry('job/environment', environmentText(task.environment)),
    entry('job/time-limit', timeLimitSeconds === null ? '' : `${timeLimitSeconds}\n`),
    entry('job/outputs', outputs.map((line) => `${line}\n`).join('')),
    TAR_END,
  ]);
  return Buffer.concat([archive, Buffer.alloc(wholeUnits(archive.length) - archive.length)]);
}

/** The size of the disk that holds so many bytes. */
export function wholeUnits(bytes: number): number {
  return Math.ceil(bytes / DISK_UNIT_BYTES) * DISK_UNIT_BYTES;
}

/** Lines for a POSIX shell: within single quotes only the single quote itself is special. */
function environmentText(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries(environment).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`,
  );
  return lines.join('');
}

function entry(name: string, text: string): Buffer {
  const bytes = Buffer.from(text);
  const header = tarHeader({ name, mode: 0o644, owner: 0, group: 0, sizeBytes: bytes.length });
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}
