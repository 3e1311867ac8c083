import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import type { DeployedFile } from '../../src/control/host-calls.ts';
import { createDiskServer } from '../../src/host/disk-server.ts';
import { sampleImages } from '../machine-image/sample-image.ts';
import { connectClient, infoData } from '../nbd/client.ts';
import { realClock } from '../control/clocks.ts';
import { failure } from './fixture.ts';

async function stored(t: TestContext) {
  const images = sampleImages(t);
  const { stored: image } = await images.store('ab.c');
  const [part] = image.image.parts;
  assert.ok(part !== undefined);
  const file: DeployedFile = { digest: part.digest, sizeBytes: part.sizeBytes };
  const indexPath = image.indexPathOf(part);
  const notices: string[] = [];
  const server = createDiskServer({ clock: realClock, onNotice: (text) => notices.push(text) });
  t.after(() => server.close());
  return { images, server, request: { file, store: images.place.directory, indexPath } };
}

void suite('createDiskServer', () => {
  void test('`serve` gives the bytes of a stored file to who knows its name', async (t) => {
    const { images, server, request } = await stored(t);
    const { port, exportName } = await server.serve(request);
    assert.deepEqual(await server.serve(request), { port, exportName });
    const client = await connectClient({ kind: 'tcp', host: '127.0.0.1', port });
    const wrong = await client.option(7, infoData(request.file.digest.slice(0, 12)));
    assert.notEqual(wrong.at(-1)?.type, 1);
    assert.equal((await client.option(7, infoData(exportName))).at(-1)?.type, 1);
    const from = 130_000;
    client.request({ type: 0, offset: from, length: 5000 });
    await client.read(16);
    const bytes = await client.read(5000);
    const wanted = readFileSync(`${images.root}/ab.c.img`).subarray(from, from + 5000);
    assert.deepEqual(bytes, wanted);
    await server.close();
    await client.ended();
  });

  void test('`serve` refuses an index of another file', async (t) => {
    const { server, request } = await stored(t);
    const file = { ...request.file, digest: 'ab'.repeat(32) };
    await assert.rejects(
      server.serve({ ...request, file }),
      failure('corrupt', /wanted abababababab/),
    );
    assert.ok((await server.serve(request)).port > 0);
  });
});
