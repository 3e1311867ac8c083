import { createHash } from 'node:crypto';
import type { MachineImage } from './image-manifest.ts';

/** What makes an image this one and no other: everything that a machine is made from. */
export interface ImageContent extends Pick<MachineImage, 'arch' | 'format' | 'boot'> {
  readonly parts: readonly Pick<MachineImage['parts'][number], 'role' | 'sizeBytes' | 'digest'>[];
}

/**
 * The id of an image: SHA-256, hexadecimal, over a line of JSON without blanks, whose fields and
 * their order docs/formats.md has. Names, times and the recipe do not count: who builds or imports
 * the same content finds the same id.
 */
export function imageId({ arch, format, boot, parts }: ImageContent): string {
  const ordered = parts.toSorted((one, other) => (one.role < other.role ? -1 : 1));
  const content = {
    arch,
    format,
    boot:
      boot.kind === 'kernel'
        ? { kind: boot.kind, commandLine: boot.commandLine }
        : { kind: boot.kind },
    parts: ordered.map(({ role, sizeBytes, digest }) => ({ role, sizeBytes, digest })),
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
