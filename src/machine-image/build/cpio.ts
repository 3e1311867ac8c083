import { Buffer } from 'node:buffer';

/**
 * A cpio archive in the `newc` format, which Linux takes as an initramfs: see
 * Documentation/driver-api/early-userspace/buffer-format.rst of its source. All entries are root's.
 */

export type CpioEntry =
  | { readonly kind: 'directory'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string; readonly data: Buffer; readonly mode: number }
  | { readonly kind: 'link'; readonly name: string; readonly target: string }
  | {
      readonly kind: 'character-device';
      readonly name: string;
      readonly major: number;
      readonly minor: number;
    };

const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
/** Of a header, of a name with its NUL behind it, and of data: padded to this. */
const ALIGNMENT = 4;
/** Sizes are 32-bit numbers. */
const MAX_FILE_BYTES = 0xffffffff;

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;

/** The archive; the same entries in the same order give the same bytes. Names are relative. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const records = entries.map((entry, at) => record(entry.name, at + 1, contentOf(entry)));
  return Buffer.concat([...records, record(TRAILER, 0, { mode: 0, data: Buffer.alloc(0) })]);
}

interface Content {
  readonly mode: number;
  readonly data: Buffer;
  readonly device?: { readonly major: number; readonly minor: number };
}

function contentOf(entry: CpioEntry): Content {
  switch (entry.kind) {
    case 'directory':
      return { mode: S_IFDIR | 0o755, data: Buffer.alloc(0) };
    case 'file':
      return { mode: S_IFREG | entry.mode, data: entry.data };
    case 'link':
      return { mode: S_IFLNK | 0o777, data: Buffer.from(entry.target) };
    case 'character-device':
      return { mode: S_IFCHR | 0o600, data: Buffer.alloc(0), device: entry };
  }
}

function record(name: string, inode: number, content: Content): Buffer {
  const { mode, data, device } = content;
  if (data.length > MAX_FILE_BYTES) throw new RangeError(`${name} is too large for cpio`);
  const nameBytes = Buffer.from(`${name}\0`);
  const links = (mode & S_IFDIR) === S_IFDIR ? 2 : 1;
  const { major = 0, minor = 0 } = device ?? {};
  const numbers = [inode, mode, 0, 0, links, 0, data.length, 0, 0, major, minor];
  const lengths = [nameBytes.length, 0];
  const header =
    MAGIC + [...numbers, ...lengths].map((it) => it.toString(16).padStart(8, '0')).join('');
  const head = padded(Buffer.concat([Buffer.from(header), nameBytes]));
  return Buffer.concat([head, padded(data)]);
}

function padded(data: Buffer): Buffer {
  const missing = -data.length & (ALIGNMENT - 1);
  return missing === 0 ? data : Buffer.concat([data, Buffer.alloc(missing)]);
}
