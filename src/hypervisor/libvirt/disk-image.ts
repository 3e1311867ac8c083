import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import { runProgram } from './run-program.ts';

/** Making an overlay, or asking what an image is. */
const QUICK_LIMIT_MS = 60_000;

/** Converting a disk: 1 TiB at 50 MB/s. */
const COPY_LIMIT_MS = 6 * 3_600_000;

/**
 * Runs qemu-img and returns what it says.
 * @throws KgetError `unreachable` if there is none, `timeout`, `no-room`, or `usage` if it refuses
 */
export async function diskImage(
  clock: Clock,
  words: readonly string[],
  kind: 'quick' | 'copy' = 'quick',
): Promise<string> {
  const limitMs = kind === 'quick' ? QUICK_LIMIT_MS : COPY_LIMIT_MS;
  const end = await runProgram('qemu-img', words, { clock, limitMs });
  const asked = `"qemu-img ${words[0] ?? ''}" for ${words.at(-1) ?? ''}`;
  switch (end.kind) {
    case 'done':
      return end.output;
    case 'missing':
      throw new KgetError(
        'unreachable',
        'Cannot make disks: qemu-img is not installed (Debian: qemu-utils)',
      );
    case 'late':
      throw new KgetError('timeout', `Gave up on ${asked}: no end within ${limitMs / 1000} s`);
    case 'failed': {
      const code = /No space left/.test(end.complaint) ? 'no-room' : 'usage';
      throw new KgetError(code, `Cannot do ${asked}: ${end.complaint.slice(0, 1000)}`);
    }
  }
}
