import * as z from 'zod/mini';
import type { Programs } from './programs.ts';

/** Of one request to QEMU's block layer (BDRV_REQUEST_MAX_BYTES is a little less than 2 GiB). */
const MAX_DISCARD_BYTES = 2 ** 30;
/** Smaller holes are not worth a call. */
const MIN_HOLE_BYTES = 65_536;

const mapped = z.array(z.object({ start: z.number(), length: z.number(), zero: z.boolean() }));

/**
 * Gives the room of zeros back to the file system: QEMU writes zeros of a whole copy in a way that
 * keeps room for them (fallocate(2), FALLOC_FL_ZERO_RANGE).
 */
export async function punchHoles(programs: Programs, path: string): Promise<void> {
  const text = await programs.image(['map', '--output=json', '-f', 'raw', path]);
  const commands: string[] = [];
  for (const { start, length, zero } of mapped.parse(JSON.parse(text))) {
    if (!zero || length < MIN_HOLE_BYTES) continue;
    for (let offset = start; offset < start + length; offset += MAX_DISCARD_BYTES) {
      const bytes = Math.min(MAX_DISCARD_BYTES, start + length - offset);
      commands.push(`discard -q ${offset} ${bytes}`);
    }
  }
  if (commands.length > 0) await programs.discard(path, commands);
}
