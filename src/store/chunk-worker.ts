/** A thread that reads chunks, one after the other: see chunk-threads.ts. */
import { parentPort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { systemCode, toFailure } from '../base/error.ts';
import { readChunkFile } from './chunk-files.ts';
import type { ChunkAnswer, ChunkRequest } from './chunk-threads.ts';

assert(parentPort !== null, 'chunk-worker.ts is a thread of chunk-threads.ts');
const port = parentPort;

port.on('message', (request: ChunkRequest) => {
  const { id } = request;
  try {
    const bytes = read(request);
    const answer: ChunkAnswer = { id, bytes };
    port.postMessage(answer, [bytes.buffer]);
  } catch (error) {
    const { code, message } = toFailure(error);
    const answer: ChunkAnswer = { id, code: systemCode(error) ?? code, message };
    port.postMessage(answer);
  }
});

/** The chunk in memory of its own, which can be handed over. */
function read({ path, chunk }: ChunkRequest): Uint8Array<ArrayBuffer> {
  // Buffers cross over as plain arrays of bytes.
  const bytes = readChunkFile(path, { ...chunk, digest: Buffer.from(chunk.digest) });
  const isAlone = bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength < 2 * bytes.length;
  return isAlone ? (bytes as Buffer<ArrayBuffer>) : new Uint8Array(bytes);
}
