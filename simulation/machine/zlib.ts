/**
 * Stands for `node:zlib` in simulated processes: the same, but that nothing happens on threads of
 * its own, whose ends come when they like.
 */
import { type ZstdOptions, zstdCompressSync } from 'node:zlib';
import { currentProcess, post } from './process.ts';

export * from 'node:zlib';

const COMPRESSION_MS = 0.05;

export function zstdCompress(
  bytes: Uint8Array,
  options: ZstdOptions,
  done: (error: Error | null, packed?: Buffer) => void,
): void {
  const packed = zstdCompressSync(bytes, options);
  post(currentProcess(), COMPRESSION_MS, () => done(null, packed));
}
