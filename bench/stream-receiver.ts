/** The receiving process of the stream benchmark: pulls one image, makes it durable and leaves. */
import { openFileLanding } from '../src/content/file-landing.ts';
import type { ImageLanding } from '../src/content/landing.ts';
import { createOpenFiles } from '../src/content/open-files.ts';
import { createSeedTable } from '../src/content/seed-table.ts';
import { pull } from '../src/transfer/pull.ts';
import { unlimited } from '../src/transfer/rate-limit.ts';
import type { ReceiverSetup } from './stream/setup.ts';

const setup = JSON.parse(process.argv[2] ?? '') as ReceiverSetup;
const { path, chunkSizeBytes, identity, port } = setup;
const files = createOpenFiles();
const seeds = createSeedTable(files);
let landing: ImageLanding | undefined;

const { counters, outcome } = pull({
  identity,
  from: { node: 'sender', host: '127.0.0.1', port },
  image: 'disk',
  land: async (sizeBytes) => {
    landing = await openFileLanding({
      path,
      shape: { sizeBytes, chunkSizeBytes },
      seeds,
      title: path,
    });
    return landing;
  },
  chunkSizeBytes,
  download: unlimited,
  signal: new AbortController().signal,
});
const result = await outcome;
if (result.state === 'failed') throw result.error;
await landing?.finish();
files.close();
console.log(JSON.stringify({ wireBytes: counters.wireBytes, usage: process.cpuUsage() }));
