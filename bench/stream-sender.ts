/**
 * The sending process of the stream benchmark: an agent reduced to one image. It is told on stdin,
 * a word a line: `scan`, `usage`; and answers on stdout, a line of JSON each.
 */
import { createInterface } from 'node:readline';
import { growIndex } from '../src/content/growing-index.ts';
import { createOpenFiles } from '../src/content/open-files.ts';
import { fileImage } from '../src/source/file-image.ts';
import { scanImage } from '../src/source/scan.ts';
import { identify } from '../src/source/source-file.ts';
import { unlimited } from '../src/transfer/rate-limit.ts';
import { serve } from '../src/transfer/serve.ts';
import type { SenderSetup } from './stream/setup.ts';

const setup = JSON.parse(process.argv[2] ?? '') as SenderSetup;
const { path, chunkSizeBytes } = setup;

const files = createOpenFiles();
const identity = identify(path);
const shape = { sizeBytes: identity.sizeBytes, chunkSizeBytes };
const index = growIndex({ path: setup.indexPath, shape, files });
const image = fileImage({ identity, index, chunkSizeBytes, files });
const server = await serve({
  identity: setup.identity,
  find: () => image,
  upload: unlimited,
  onNotice: (text) => console.error(text),
});

function answer(value: unknown): void {
  console.log(JSON.stringify(value));
}

answer({ port: server.port });
for await (const word of createInterface({ input: process.stdin })) {
  if (word === 'scan') {
    answer({});
    const { signal } = new AbortController();
    void scanImage({ identity, index, signal }).then(() => answer({ scanned: true }));
  } else {
    answer(process.cpuUsage());
  }
}
await server.close();
