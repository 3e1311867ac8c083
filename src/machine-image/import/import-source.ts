import { KgetError } from '../../base/error.ts';
import type { ImageSource, PartFile } from '../image-source.ts';
import { inspectDisk, type DiskFormat } from './inspect-disk.ts';
import { inspectKernel } from './inspect-kernel.ts';

export type Arch = ImageSource['arch'];

/** A disk image of any origin, and what boots it. */
export interface ImportRequest {
  readonly name: string;
  readonly disk: string;
  /** Told by the file's header unless given. */
  readonly format: DiskFormat | undefined;
  /** Told by the kernel, else `hostArch`, unless given. */
  readonly arch: Arch | undefined;
  readonly hostArch: Arch;
  /** Without one the machine boots from its disk. */
  readonly kernel: string | undefined;
  readonly initramfs: string | undefined;
  readonly commandLine: string | undefined;
  readonly hasJobRunner: boolean;
}

/**
 * Looks into the files of an image that is to be imported.
 * @throws KgetError `usage` for files that are not what they should be, or do not fit together;
 * `source-unreadable`; `corrupt` for a qcow2 file that is damaged or cut off
 */
export async function importSource(request: ImportRequest): Promise<ImageSource> {
  const { name, disk, kernel, initramfs, hasJobRunner } = request;
  const boot = bootOf(request);
  const { format, virtualSizeBytes } = await inspectDisk(disk, {
    format: request.format,
    bootsByItself: boot.kind === 'disk',
  });
  const kernelArch = kernel === undefined ? undefined : inspectKernel(kernel);
  if (kernelArch !== undefined && request.arch !== undefined && kernelArch !== request.arch) {
    throw new KgetError(
      'usage',
      `Cannot import ${disk} for ${request.arch}: the kernel ${kernel} is one for ${kernelArch}`,
    );
  }
  const parts: PartFile[] = [{ role: 'disk', path: disk }];
  if (kernel !== undefined) parts.push({ role: 'kernel', path: kernel });
  if (initramfs !== undefined) parts.push({ role: 'initramfs', path: initramfs });
  const arch = request.arch ?? kernelArch ?? request.hostArch;
  return { name, arch, format, virtualSizeBytes, boot, hasJobRunner, recipe: null, parts };
}

function bootOf({ disk, kernel, initramfs, commandLine }: ImportRequest): ImageSource['boot'] {
  if (kernel === undefined) {
    if (initramfs === undefined && commandLine === undefined) return { kind: 'disk' };
    const found = initramfs === undefined ? 'a command line' : 'an initramfs';
    throw new KgetError(
      'usage',
      `Cannot import ${disk}: found ${found} without a kernel; give it with --kernel, or leave ` +
        'both out if the machine boots from its disk',
    );
  }
  if (commandLine !== undefined) return { kind: 'kernel', commandLine };
  throw new KgetError(
    'usage',
    `Cannot import ${disk}: found a kernel without its command line; wanted e.g. ` +
      '--command-line "root=/dev/vda1 console=ttyS0"',
  );
}
