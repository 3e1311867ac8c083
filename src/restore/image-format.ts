import { extname } from 'node:path';
import { KgetError } from '../base/error.ts';
import { imageStream, type StreamOptions } from './image-stream.ts';
import { QCOW2_HEAD_BYTES, qcow2Dependency } from './qcow2-header.ts';

/** A name in a layer may have 100 bytes, with `disk/` and an extension. */
const MAX_NAME_BYTES = 90;

export type ImageFormat = 'raw' | 'qcow2';

/**
 * Whether an image is a raw disk or a qcow2 file, by its name: what a guest has written at the start
 * of its disk must not decide. @throws KgetError `usage` for a qcow2 file that is none, or that needs
 * others; as `imageStream`
 */
export async function formatOf(name: string, work: StreamOptions): Promise<ImageFormat> {
  if (!/^\.(qcow2|qcow)$/i.test(extname(name))) return 'raw';
  const head: Buffer[] = [];
  for await (const bytes of imageStream(work)) {
    head.push(bytes);
    if (head.reduce((sum, { length }) => sum + length, 0) >= QCOW2_HEAD_BYTES) break;
  }
  const defect = qcow2Dependency(Buffer.concat(head));
  if (defect === undefined) return 'qcow2';
  throw new KgetError(
    'usage',
    `Cannot make a disk of ${work.title}: ${defect}; use --format raw for its bytes`,
  );
}

/** The name of the disk in a layer. */
export function diskName(name: string, format: ImageFormat): string {
  const stem = name.replace(/\.(qcow2|qcow|raw|img)$/i, '');
  const fits = stem !== '' && Buffer.byteLength(stem) <= MAX_NAME_BYTES;
  return `${fits ? stem : 'disk'}.${format === 'raw' ? 'img' : 'qcow2'}`;
}
