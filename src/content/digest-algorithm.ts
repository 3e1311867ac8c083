import * as crypto from 'node:crypto';

/** How chunks are named: ours by SHA-256, those of casync's own stores mostly by SHA-512/256. */
export type DigestAlgorithm = 'sha256' | 'sha512-256';

/** The digest of `bytes`: 32 bytes either way. */
export function digestBy(algorithm: DigestAlgorithm, bytes: Uint8Array): Buffer {
  if (typeof crypto.hash === 'function') return crypto.hash(algorithm, bytes, 'buffer');
  return crypto.createHash(algorithm).update(bytes).digest();
}
