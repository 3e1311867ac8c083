import { KgetError } from '../../base/error.ts';
import type { Arch } from './import-source.ts';
import { openFile } from './read-head.ts';

const HEAD_BYTES = 0x210;

/** Linux' Documentation/arch/x86/boot.rst, "The real-mode kernel header". */
const X86_MAGIC = { at: 0x202, bytes: Buffer.from('HdrS') };
/** Linux' Documentation/arch/arm64/booting.rst, "Call the kernel image". */
const ARM64_MAGIC = { at: 0x38, bytes: Buffer.from('ARM\u0064') };
/** Some distributions ship arm64 kernels that are compressed as a whole. */
const GZIP_MAGIC = { at: 0, bytes: Buffer.from([0x1f, 0x8b]) };

/**
 * Which machines a Linux kernel is for, by its header; undefined if that does not tell.
 * @throws KgetError `usage` for a file that is no kernel, `source-unreadable`
 */
export function inspectKernel(path: string): Arch | undefined {
  using file = openFile(path);
  const head = file.read(0, HEAD_BYTES);
  const has = ({ at, bytes }: { readonly at: number; readonly bytes: Buffer }): boolean =>
    head.subarray(at, at + bytes.length).equals(bytes);
  if (has(X86_MAGIC)) return 'x86_64';
  if (has(ARM64_MAGIC)) return 'aarch64';
  if (has(GZIP_MAGIC)) return undefined;
  throw new KgetError(
    'usage',
    `Cannot import kernel ${path}: found no header of a Linux kernel, wanted a bzImage (x86_64) ` +
      'or an Image (aarch64)',
  );
}
