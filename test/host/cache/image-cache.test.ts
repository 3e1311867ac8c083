import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { snapshotIndexPath } from '../../../src/catalogue/catalogue.ts';
import { openIndex } from '../../../src/content/index-reader.ts';
import type { FetchResult } from '../../../src/host/cache/fetches.ts';
import type { ImageCache } from '../../../src/host/cache/image-cache.ts';
import { makeStore } from '../../store/fixtures.ts';
import { noise } from '../../transfer/memory.ts';
import { CHUNK, never, peerOf, testCaches, until } from './caches.ts';

/** Half noise, half something that shrinks, with a hole and a chunk that repeats. */
function sample(chunks: number): Buffer {
  const bytes = noise(chunks * CHUNK + 777, 5);
  for (let at = 0; at < chunks; at += 2) bytes.fill(`line ${at}\n`, at * CHUNK, (at + 1) * CHUNK);
  bytes.fill(0, 3 * CHUNK, 6 * CHUNK);
  bytes.copy(bytes, 20 * CHUNK, 10 * CHUNK, 11 * CHUNK);
  return bytes;
}

void suite('image cache', { timeout: 60_000 }, () => {
  void test('`fetch` goes down a chain of nodes, whoever asks first, and each byte leaves once', async (t) => {
    const lab = testCaches(t);
    const bytes = sample(400);
    const frontend = await lab.open('frontend');
    const file = await frontend.serveFile(lab.write('disk', bytes), never);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const nodes = await Promise.all(names.map((name) => lab.open(name)));
    const chain = [
      peerOf('frontend', frontend),
      ...nodes.map((it, at) => peerOf(names[at] ?? '', it)),
    ];
    const fetches: Promise<FetchResult>[] = [];
    for (const [at, node] of [...nodes.entries()].toReversed()) {
      const from = chain[at];
      assert.ok(from);
      fetches.push(node.fetch({ file, from }, never));
    }
    const results = await Promise.all(fetches);
    for (const node of nodes) assert.ok(readFileSync(node.pathOf(file.digest)).equals(bytes));
    // 3 zero chunks, and one that repeats: the file has a short last one.
    for (const { chunks } of results) assert.equal(chunks, 401 - 4);
    for (const { wireBytes } of results) assert.ok(wireBytes < 1.05 * bytes.length);
    assert.deepEqual(lab.notices, []);
  });

  void test('`serveStored` gives what a store has, in the frames in which it has it', async (t) => {
    const lab = testCaches(t);
    const store = await makeStore(t);
    const image = sample(100);
    await store.addSnapshot({ run: 'r1', image, chunkSizeBytes: CHUNK });
    const indexPath = snapshotIndexPath(store.place, { run: 'r1', node: 'a1', name: 'disk.img' });
    const file = { digest: await digestOf(indexPath), sizeBytes: image.length };
    const frontend = await lab.open('frontend');
    await frontend.serveStored({ file, store: store.place.directory, indexPath });
    const one = await lab.open('one');
    const two = await lab.open('two');
    const results = await Promise.all([
      one.fetch({ file, from: peerOf('frontend', frontend) }, never),
      two.fetch({ file, from: peerOf('one', one) }, never),
    ]);
    assert.ok(readFileSync(two.pathOf(file.digest)).equals(image));
    for (const { wireBytes } of results)
      assert.ok(wireBytes < 0.6 * image.length, `${wireBytes} B`);
  });

  void test('`serveStored` refuses an index of another chunk size, and says which to use', async (t) => {
    const lab = testCaches(t);
    const store = await makeStore(t);
    await store.addSnapshot({ run: 'r1', image: noise(9000), chunkSizeBytes: 4096 });
    const indexPath = snapshotIndexPath(store.place, { run: 'r1', node: 'a1', name: 'disk.img' });
    const frontend = await lab.open('frontend');
    const file = { digest: 'a'.repeat(64), sizeBytes: 9000 };
    await assert.rejects(
      frontend.serveStored({ file, store: store.place.directory, indexPath }),
      /in chunks of 4096 B, wanted 9000 B in chunks of 16384 B; deploy with its own/,
    );
  });

  void test('`fetch` fails with `source-unreadable` when the store lost a chunk', async (t) => {
    const lab = testCaches(t);
    const store = await makeStore(t);
    await store.addSnapshot({ run: 'r1', image: sample(30), chunkSizeBytes: CHUNK });
    const indexPath = snapshotIndexPath(store.place, { run: 'r1', node: 'a1', name: 'disk.img' });
    const file = { digest: await digestOf(indexPath), sizeBytes: sample(30).length };
    rmSync(store.place.chunks, { recursive: true });
    const frontend = await lab.open('frontend');
    await frontend.serveStored({ file, store: store.place.directory, indexPath });
    const one = await lab.open('one');
    await assert.rejects(one.fetch({ file, from: peerOf('frontend', frontend) }, never), {
      code: 'source-unreadable',
      message: /is missing; bring it back with kgetplus verify --repair-from/,
    });
  });

  void test('`fetch` brings nothing that is here, also after the agent was started anew', async (t) => {
    const lab = testCaches(t);
    const { cache, file, frontend } = await fetched(lab, sample(40));
    const again = await cache.fetch({ file, from: peerOf('frontend', frontend) }, never);
    assert.deepEqual(again, { wireBytes: 0, chunks: 0, wasPresent: true });
    await cache.close();
    const later = await lab.open('one');
    assert.deepEqual(await later.present([file, { digest: 'b'.repeat(64), sizeBytes: 1 }]), [
      file.digest,
    ]);
    // It can serve it, too.
    const two = await lab.open('two');
    await two.fetch({ file, from: peerOf('one', later) }, never);
    assert.ok(readFileSync(two.pathOf(file.digest)).equals(sample(40)));
  });

  void test('`present` does not name a file that was cut short, or whose index was changed', async (t) => {
    const lab = testCaches(t);
    const { cache, file } = await fetched(lab, sample(40));
    await cache.close();
    const path = cache.pathOf(file.digest);
    const index = readFileSync(`${path}.caibx`);
    index[100] = (index[100] ?? 0) ^ 1;
    writeFileSync(`${path}.caibx`, index);
    const changed = await lab.open('one');
    assert.deepEqual(await changed.present([file]), []);
    await changed.close();
    index[100] = (index[100] ?? 0) ^ 1;
    writeFileSync(`${path}.caibx`, index);
    truncateSync(path, 1000);
    const cut = await lab.open('one');
    assert.deepEqual(await cut.present([file]), []);
  });

  void test('`fetch` asks only for what no cached file has', async (t) => {
    const lab = testCaches(t);
    const bytes = sample(200);
    const { cache, frontend } = await fetched(lab, bytes);
    const changed = Buffer.from(bytes);
    changed.fill(0xab, 50 * CHUNK, 52 * CHUNK);
    changed.fill(0xcd, 51 * CHUNK, 52 * CHUNK);
    const next = await frontend.serveFile(lab.write('next', changed), never);
    const result = await cache.fetch({ file: next, from: peerOf('frontend', frontend) }, never);
    assert.equal(result.chunks, 2);
    assert.ok(readFileSync(cache.pathOf(next.digest)).equals(changed));
  });

  void test('`fetch` keeps what came when its neighbour dies, and those behind only wait', async (t) => {
    const lab = testCaches(t);
    const bytes = sample(1000);
    let sentBytes = 0;
    const halfSent = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const upload = {
      take(count: number) {
        sentBytes += count;
        if (sentBytes < bytes.length / 2) return undefined;
        halfSent.resolve();
        return goOn.promise;
      },
    };
    const frontend = await lab.open('frontend', { upload });
    const file = await frontend.serveFile(lab.write('disk', bytes), never);
    const dying = await lab.open('dying');
    const one = await lab.open('one');
    const two = await lab.open('two');
    const dead = dying.fetch({ file, from: peerOf('frontend', frontend) }, never);
    const first = one.fetch({ file, from: peerOf('dying', dying) }, never);
    const behind = two.fetch({ file, from: peerOf('one', one) }, never);
    await halfSent.promise;
    await until(() => (one.progress()[0]?.doneBytes ?? 0) > bytes.length / 4);
    await Promise.all([
      dying.close(),
      assert.rejects(dead),
      // It may still have said why.
      assert.rejects(first, ({ code }) => code === 'disconnected' || code === 'source-unreadable'),
    ]);
    goOn.resolve();
    const second = await one.fetch({ file, from: peerOf('frontend', frontend) }, never);
    assert.ok(second.chunks < 0.8 * 1000, `${second.chunks} chunks`);
    // Nobody told `two`: its connection outlived the change.
    assert.equal((await behind).wasPresent, false);
    for (const cache of [one, two])
      assert.ok(readFileSync(cache.pathOf(file.digest)).equals(bytes));
  });

  void test('`fetch` keeps nothing of a file that is not the one that was asked for', async (t) => {
    const lab = testCaches(t);
    const store = await makeStore(t);
    const image = sample(30);
    await store.addSnapshot({ run: 'r1', image, chunkSizeBytes: CHUNK });
    const indexPath = snapshotIndexPath(store.place, { run: 'r1', node: 'a1', name: 'disk.img' });
    const wrong = { digest: 'c'.repeat(64), sizeBytes: image.length };
    const frontend = await lab.open('frontend');
    await frontend.serveStored({ file: wrong, store: store.place.directory, indexPath });
    const one = await lab.open('one');
    await assert.rejects(one.fetch({ file: wrong, from: peerOf('frontend', frontend) }, never), {
      code: 'corrupt',
      message: /frontend gave a file with the digest [0-9a-f]{64}, wanted c{64}/,
    });
    assert.deepEqual(readdirSync(dirname(one.pathOf(wrong.digest))), []);
  });

  void test('`fetch` stops at once when its caller gives it up', async (t) => {
    const lab = testCaches(t);
    const frontend = await lab.open('frontend');
    const one = await lab.open('one');
    const stop = new AbortController();
    const file = { digest: 'd'.repeat(64), sizeBytes: 5 };
    const fetching = one.fetch({ file, from: peerOf('frontend', frontend) }, stop.signal);
    stop.abort();
    await assert.rejects(fetching, { code: 'cancelled' });
    assert.deepEqual(one.progress(), []);
  });

  void test('`fetch` removes the file that was used longest ago when the cache is full', async (t) => {
    const lab = testCaches(t);
    const frontend = await lab.open('frontend');
    const files = [];
    for (const seed of [1, 2, 3]) {
      files.push(await frontend.serveFile(lab.write(`f${seed}`, noise(10 * CHUNK, seed)), never));
    }
    const [oldest, used, fresh] = files;
    assert.ok(oldest && used && fresh);
    const maxBytes = 25 * CHUNK;
    for (const file of [oldest, used]) {
      const cache = await lab.open('one', { maxBytes });
      await cache.fetch({ file, from: peerOf('frontend', frontend) }, never);
      await cache.close();
    }
    const full = await lab.open('one', { maxBytes, isInUse: () => true });
    const refused = full.fetch({ file: fresh, from: peerOf('frontend', frontend) }, never);
    await assert.rejects(refused, { code: 'no-room', message: /320 KiB of 400 KiB are taken/ });
    await full.close();
    const cache = await lab.open('one', { maxBytes, isInUse: (digest) => digest === used.digest });
    await cache.fetch({ file: fresh, from: peerOf('frontend', frontend) }, never);
    assert.deepEqual(
      files.map(({ digest }) => existsSync(cache.pathOf(digest))),
      [false, true, true],
    );
  });

  void test('`close` leaves nothing but the files of the cache', async (t) => {
    const lab = testCaches(t);
    const { cache, file } = await fetched(lab, sample(40));
    await cache.close();
    const images = readdirSync(dirname(cache.pathOf(file.digest)));
    assert.deepEqual(images.toSorted(), [file.digest, `${file.digest}.caibx`]);
    assert.deepEqual(readdirSync(join(lab.directory, 'one', 'scratch')), []);
  });

  void test('`serveFile` and `fetch` take a file without bytes', async (t) => {
    const lab = testCaches(t);
    const { cache, file } = await fetched(lab, Buffer.alloc(0));
    assert.equal(readFileSync(cache.pathOf(file.digest)).length, 0);
  });
});

type TestLab = ReturnType<typeof testCaches>;

/** A cache with one file that it fetched from the frontend. */
async function fetched(
  lab: TestLab,
  bytes: Buffer,
): Promise<{
  readonly cache: ImageCache;
  readonly frontend: ImageCache;
  readonly file: { digest: string; sizeBytes: number };
}> {
  const frontend = await lab.open('frontend');
  const file = await frontend.serveFile(lab.write('disk', bytes), never);
  const cache = await lab.open('one');
  await cache.fetch({ file, from: peerOf('frontend', frontend) }, never);
  return { cache, frontend, file };
}

async function digestOf(indexPath: string): Promise<string> {
  const index = await openIndex(indexPath);
  const digest = createHash('sha256').update(index.read(0, index.chunkCount)).digest('hex');
  index.close();
  return digest;
}
