/**
 * Headers of tar archives as POSIX.1-1988 (ustar) has them, and GNU's base-256 numbers for files of
 * 8 GiB and more. Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's manual, "Basic
 * Tar Format".
 */
import { assert } from '../base/assert.ts';

const BLOCK_BYTES = 512;

/** The end of an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

/** What an archive says of a file or a directory. Times are the epoch: equal input, equal output. */
export interface TarEntry {
  /** At most 100 bytes; that of a directory ends with a slash. */
  readonly name: string;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly sizeBytes: number;
}

/** The block before the contents of an entry. */
export function tarHeader(entry: TarEntry): Buffer {
  const { name, mode, owner, group, sizeBytes } = entry;
  assert(Buffer.byteLength(name) <= 100, `the name ${name} is too long for tar`);
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0);
  writeNumber(header, 100, 8, mode);
  writeNumber(header, 108, 8, owner);
  writeNumber(header, 116, 8, group);
  writeNumber(header, 124, 12, sizeBytes);
  writeNumber(header, 136, 12, 0);
  header.write(name.endsWith('/') ? '5' : '0', 156);
  header.write('ustar\u000000', 257);
  // The sum is made as if its own field were blanks.
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** What fills the last block of a file of `sizeBytes`. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Octal digits and a NUL; larger numbers in base 256, whose first bit is set. */
function writeNumber(header: Buffer, at: number, length: number, value: number): void {
  const digits = value.toString(8).padStart(length - 1, '0');
  if (digits.length < length) {
    header.write(`${digits}\0`, at);
    return;
  }
  header[at] = 0x80;
  header.writeBigUInt64BE(BigInt(value), at + length - 8);
}
