import { KgetError } from '../../base/error.ts';
import { checkQcow2, isQcow2 } from './check-qcow2.ts';
import { type OpenedFile, openFile } from './read-head.ts';

export type DiskFormat = 'raw' | 'qcow2';

/** What is looked at to tell what a file is: up to where ISO 9660 has its signature. */
const HEAD_BYTES = 32_768 + 8;

const SECTOR_BYTES = 512;

/** Where a master boot record, also the one before a GUID partition table, ends with 55 AA. */
const BOOT_SIGNATURE_AT = 510;

/** Files that are taken for disks by mistake, by what is in them and where. */
const OTHERS: readonly { readonly what: string; readonly at: number; readonly bytes: string }[] = [
  { what: 'a VMDK file', at: 0, bytes: 'KDMV' },
  { what: 'the description of a VMDK file', at: 0, bytes: '# Disk DescriptorFile' },
  { what: 'a VHDX file', at: 0, bytes: 'vhdxfile' },
  { what: 'a VHD file', at: 0, bytes: 'conectix' },
  { what: 'a VDI file', at: 64, bytes: '\u007f\u0010\u00da\u00be' },
  { what: 'a file compressed by gzip', at: 0, bytes: '\u001f\u008b' },
  { what: 'a file compressed by xz', at: 0, bytes: '\u00fd7zXZ\0' },
  { what: 'a file compressed by zstd', at: 0, bytes: '\u0028\u00b5\u002f\u00fd' },
  { what: 'a file compressed by bzip2', at: 0, bytes: 'BZh' },
  { what: 'a zip archive', at: 0, bytes: 'PK\u0003\u0004' },
  { what: 'a tar archive', at: 257, bytes: 'ustar' },
  { what: 'an ISO 9660 image', at: 32_769, bytes: 'CD001' },
  { what: 'a program', at: 0, bytes: '\u007fELF' },
];

/**
 * Tells the format of a disk image and its size as guests see it. A file without qcow2's header is a
 * raw disk; since any file could be one, it must be able to boot, unless the format was given.
 * @throws KgetError `usage`, `source-unreadable`, `corrupt`
 */
export async function inspectDisk(
  path: string,
  wanted: { readonly format: DiskFormat | undefined; readonly bootsByItself: boolean },
): Promise<{ readonly format: DiskFormat; readonly virtualSizeBytes: number }> {
  using file = openFile(path);
  const head = file.read(0, HEAD_BYTES);
  const found: DiskFormat = isQcow2(head) ? 'qcow2' : 'raw';
  const format = wanted.format ?? found;
  if (format === 'qcow2') {
    if (found === 'qcow2') return { format, virtualSizeBytes: await checkQcow2(file) };
    throw refusal(
      path,
      `found ${whatIs(head) ?? 'no header of a qcow2 file'}, wanted a qcow2 file`,
    );
  }
  checkRaw(file, head, { isSure: wanted.format === 'raw', bootsByItself: wanted.bootsByItself });
  return { format, virtualSizeBytes: file.sizeBytes };
}

function checkRaw(
  { path, sizeBytes }: OpenedFile,
  head: Buffer,
  { isSure, bootsByItself }: { readonly isSure: boolean; readonly bootsByItself: boolean },
): void {
  if (sizeBytes === 0) throw refusal(path, 'it is empty');
  const other = isSure ? undefined : whatIs(head);
  if (other !== undefined) {
    const advice = 'unpack it, or convert it with qemu-img convert -O qcow2';
    throw refusal(path, `found ${other}, wanted a qcow2 file or a raw disk; ${advice}`);
  }
  if (sizeBytes % SECTOR_BYTES !== 0) {
    const found = `found ${sizeBytes} B, wanted a multiple of ${SECTOR_BYTES} B`;
    throw refusal(path, `it is neither a qcow2 file nor a raw disk: ${found}`);
  }
  if (isSure || !bootsByItself || head.readUInt16BE(BOOT_SIGNATURE_AT) === 0x55aa) return;
  throw refusal(
    path,
    'found neither the header of a qcow2 file nor a boot sector; give --format raw if it is a ' +
      'raw disk that boots all the same, or the --kernel that boots it',
  );
}

function whatIs(head: Buffer): string | undefined {
  return OTHERS.find(({ at, bytes }) => {
    const wanted = Buffer.from(bytes, 'latin1');
    return head.subarray(at, at + wanted.length).equals(wanted);
  })?.what;
}

function refusal(path: string, found: string): KgetError {
  return new KgetError('usage', `Cannot import ${path} as a disk: ${found}`);
}
