import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { systemCode } from '../base/error.ts';
import { parseGuestEvent } from '../guest/protocol.ts';
import type { MachinePaths } from './node-place.ts';

/** The job runner says a few lines of it; a guest may write anything. */
const MAX_STATUS_BYTES = 64 * 1024;
const MAX_EVENTS = 256;

/** What `log` gives at once. */
const MAX_PIECE_BYTES = 256 * 1024;

export interface LogPiece {
  readonly text: string;
  readonly nextOffset: number;
  readonly totalBytes: number;
}

/** What the job runner has said so far, on this host and those before: whole lines that are events. */
export function readEvents(paths: MachinePaths): string[] {
  const lines = [paths.earlierStatus, paths.status].flatMap((path) =>
    readRange(path, { offset: 0, maxBytes: MAX_STATUS_BYTES })
      .toString('utf8')
      .split('\n')
      // Behind the last line feed is nothing, or half a line.
      .slice(0, -1),
  );
  return lines
    .map((line) => line.trim())
    .filter((line) => parseGuestEvent(line) !== undefined)
    .slice(0, MAX_EVENTS);
}

/** What the command has said, in bytes, on this host and those before. */
export function logBytes(paths: MachinePaths): number {
  return sizeOf(paths.earlierLog) + sizeOf(paths.log);
}

/** A piece of what the command, or the console, has said, from a byte on. */
export function readLog(
  paths: MachinePaths,
  { source, offset }: { source: 'command' | 'console'; offset: number },
): LogPiece {
  const files = source === 'console' ? [paths.console] : [paths.earlierLog, paths.log];
  const pieces: Buffer[] = [];
  let before = 0;
  let left = MAX_PIECE_BYTES;
  for (const file of files) {
    const piece = readRange(file, { offset: Math.max(offset - before, 0), maxBytes: left });
    pieces.push(piece);
    left -= piece.length;
    before += sizeOf(file);
  }
  const bytes = Buffer.concat(pieces);
  const whole = wholeCharacters(bytes);
  const nextOffset = Math.min(offset, before) + whole.length;
  return { text: whole.toString('utf8'), nextOffset, totalBytes: before };
}

/**
 * Without a character at the end that is not whole yet: the next piece begins with it. Alone it is
 * given as it is: a reader that waits for the end comes there.
 */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length - 1); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** Empty if the file is not there. */
function readRange(path: string, range: { offset: number; maxBytes: number }): Buffer {
  const fd = openIfThere(path);
  if (fd === undefined) return Buffer.alloc(0);
  try {
    const there = Math.max(fstatSync(fd).size - range.offset, 0);
    const buffer = Buffer.alloc(Math.min(range.maxBytes, there));
    const count = readSync(fd, buffer, 0, buffer.length, range.offset);
    return buffer.subarray(0, count);
  } finally {
    closeSync(fd);
  }
}

function sizeOf(path: string): number {
  const fd = openIfThere(path);
  if (fd === undefined) return 0;
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
