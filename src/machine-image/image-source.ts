import { join } from 'node:path';
import type { BuiltImage } from './build/build.ts';
import type { ImagePart, MachineImage } from './image-manifest.ts';

/** A file that becomes a part of an image. */
export interface PartFile {
  readonly role: ImagePart['role'];
  readonly path: string;
}

/** An image that is not in a store yet: files, and how machines are made from them. */
export interface ImageSource extends Pick<
  MachineImage,
  'name' | 'arch' | 'format' | 'virtualSizeBytes' | 'boot' | 'hasJobRunner' | 'recipe'
> {
  readonly parts: readonly PartFile[];
  /** The id that it must turn out to have, if that is known. */
  readonly wantedId?: string;
}

/** What a build has made. `recipe`: the text that it was made from. */
export function builtSource(built: BuiltImage, recipe: string): ImageSource {
  const { name, arch, format, virtualSizeBytes, boot, hasJobRunner, directory } = built;
  return {
    name,
    arch,
    format,
    virtualSizeBytes,
    boot,
    hasJobRunner,
    recipe,
    parts: [
      { role: 'disk', path: join(directory, 'disk.qcow2') },
      { role: 'kernel', path: join(directory, 'vmlinuz') },
      { role: 'initramfs', path: join(directory, 'initramfs') },
    ],
  };
}

/** What a part is called in its run, and in a directory that it is exported to. */
export function partName(role: ImagePart['role'], format: MachineImage['format']): string {
  switch (role) {
    case 'disk':
      return format === 'qcow2' ? 'disk.qcow2' : 'disk.img';
    case 'kernel':
      return 'vmlinuz';
    case 'initramfs':
      return 'initramfs';
  }
}
