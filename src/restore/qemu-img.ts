import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { KgetError, systemCode } from '../base/error.ts';

const PROGRAM = 'qemu-img';

/** Characters of what the program complains of that are told. */
const MAX_COMPLAINT = 2000;

export interface Conversion {
  readonly from: string;
  readonly fromFormat: 'raw' | 'qcow2';
  /** A qcow2 file is made there. */
  readonly to: string;
  readonly compress: boolean;
  readonly signal: AbortSignal;
}

/**
 * Converts an image with qemu-img.
 * @throws KgetError `usage` if there is no qemu-img, `target-unwritable` if it fails, `cancelled`
 */
export async function convertImage(conversion: Conversion): Promise<void> {
  const { from, fromFormat, to, compress, signal } = conversion;
  const compression = compress ? ['-c'] : [];
  const words = ['convert', '-f', fromFormat, '-O', 'qcow2', ...compression, '--', from, to];
  const child = spawn(PROGRAM, words, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(0, MAX_COMPLAINT);
  });
  let code: number | null;
  try {
    [code] = (await once(child, 'close')) as [number | null];
  } catch (cause) {
    if (signal.aborted) throw stopped(from);
    const found = systemCode(cause) === 'ENOENT' ? 'it is not installed' : String(cause);
    throw new KgetError(
      'usage',
      `Cannot run ${PROGRAM}: ${found}; install it (Debian: qemu-utils), or use --format raw`,
      { cause },
    );
  }
  if (signal.aborted) throw stopped(from);
  if (code === 0) return;
  const found = complaint.trim() || `it ended with ${code}`;
  throw new KgetError('target-unwritable', `Cannot convert ${from} to ${to}: ${found}`);
}

function stopped(from: string): KgetError {
  return new KgetError('cancelled', `Cannot go on to convert ${from}: stopped on request`);
}
