import assert from 'node:assert/strict';
import {
  existsSync,
  globSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import { compress } from '../../src/content/zstd.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import { openChunkWriter } from '../../src/store/chunk-writer.ts';
import { takeLease } from '../../src/store/lease.ts';
import { type StorePlace, storePlace } from '../../src/store/store-place.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { withWriter } from './fixtures.ts';

const chunk = Buffer.from('a chunk of an image');
const digest = digestOf(chunk);
const packed = compress(chunk);
const named = { digest, algorithm: 'sha256', lengthBytes: chunk.length } as const;

/** Names of the files of all chunks of a store. */
function chunksOf(place: StorePlace): string[] {
  return readdirSync(place.chunks, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.cacnk'),
  );
}

void suite('openChunkWriter', () => {
  void test('`put` makes no chunk of the store before `commit`', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    await withWriter(place, (writer) => {
      assert.equal(writer.has(digest), false);
      writer.put(digest, packed);
      assert.equal(writer.has(digest), true);
      assert.deepEqual(chunksOf(place), []);
    });
    assert.deepEqual(chunksOf(place), [chunkFileOf('', digest)]);
    assert.deepEqual(await chunkFiles(place).read(named), chunk);
  });

  void test('`put` does not need its bytes afterwards', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    const bytes = Buffer.from(packed);
    await withWriter(place, (writer) => {
      writer.put(digest, bytes);
      bytes.fill(0);
    });
    assert.deepEqual(await chunkFiles(place).read(named), chunk);
  });

  void test('`has` says no when the chunk has another length', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    await withWriter(place, async (writer) => {
      writer.put(digest, packed);
      for (let commits = 0; commits < 2; commits += 1) {
        assert.equal(writer.has(digest, chunk.length), true);
        for (const other of [1, 5]) assert.equal(writer.has(digest, chunk.length - other), false);
        await writer.commit();
      }
    });
  });

  void test('`has` looks into a file that does not say how long its chunk is', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    const unsized = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
    await withWriter(place, (writer) => writer.put(digest, packed));
    const file = chunkFileOf(place.chunks, digest);
    await withWriter(place, (writer) => {
      for (const bytes of [zstdCompressSync(chunk, unsized), gzipSync(chunk)]) {
        writeFileSync(file, bytes);
        assert.equal(writer.has(digest, chunk.length), true);
        assert.equal(writer.has(digest, chunk.length - 1), false);
      }
      writeFileSync(file, '');
      assert.equal(writer.has(digest, chunk.length), false);
    });
  });

  void test('`has` knows what earlier writers have committed', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    await withWriter(place, (writer) => writer.put(digest, packed));
    await withWriter(place, (writer) => assert.equal(writer.has(digest), true));
  });

  for (const [what, harm] of [
    ['was lost', (table: string) => rmSync(table, { recursive: true })],
    [
      'is damaged',
      (table: string) => writeFileSync(globSync(join(table, '*.chunks'))[0] ?? '', '?'),
    ],
  ] as const) {
    void test(`\`has\` knows what is there when the chunk table ${what}`, async (t) => {
      const place = storePlace(temporaryDirectory(t));
      await withWriter(place, (writer) => writer.put(digest, packed));
      harm(place.table);
      await withWriter(place, (writer) => assert.equal(writer.has(digest), true));
    });
  }

  void test('`has` asks the file system: a chunk that was removed is not had', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    await withWriter(place, (writer) => writer.put(digest, packed));
    rmSync(chunkFileOf(place.chunks, digest));
    await withWriter(place, (writer) => assert.equal(writer.has(digest), false));
  });

  void test('`has` brings back a chunk that was set aside', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    await withWriter(place, (writer) => writer.put(digest, packed));
    const file = chunkFileOf(place.chunks, digest);
    const aside = join(place.trash, 'batch', chunkFileOf('', digest).slice(5));
    mkdirSync(dirname(aside), { recursive: true });
    renameSync(file, aside);
    assert.deepEqual(await chunkFiles(place).read(named), chunk, 'it is read where it is');
    rmSync(place.table, { recursive: true });
    await withWriter(place, (writer) => {
      assert.equal(writer.has(digest), true);
      assert.equal(writer.has(digest), true, 'although the table does not know it');
    });
    assert.ok(existsSync(file) && !existsSync(aside));
  });

  void test('a writer takes over what a dead one has staged, if it is whole', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    const left = join(place.staging, '1-999999-abcdef');
    mkdirSync(left, { recursive: true });
    const torn = digestOf(Buffer.from('torn'));
    for (const [name, bytes] of [
      [chunkFileOf('', digest).slice(5), packed],
      [chunkFileOf('', torn).slice(5), packed.subarray(0, 5)],
      ['other', Buffer.from('?')],
    ] as const) {
      writeFileSync(join(left, name), bytes);
    }
    await withWriter(place, (writer) => {
      assert.equal(writer.has(digest), true);
      assert.equal(writer.has(torn), false);
    });
    assert.deepEqual(readdirSync(place.staging), []);
    assert.deepEqual(chunksOf(place), [chunkFileOf('', digest)]);
  });

  void test('a writer writes anew what a dead one has staged', async (t) => {
    const directory = temporaryDirectory(t);
    const place = storePlace(directory);
    const left = join(place.staging, '1-999999-abcdef');
    mkdirSync(left, { recursive: true });
    const file = join(directory, 'file');
    writeFileSync(file, packed);
    linkSync(file, join(left, chunkFileOf('', digest).slice(5)));
    await withWriter(place, (writer) => assert.equal(writer.has(digest, chunk.length), true));
    const taken = chunkFileOf(place.chunks, digest);
    assert.deepEqual(readFileSync(taken), packed);
    assert.notEqual(statSync(taken).ino, statSync(file).ino, 'a sync of it may have failed');
  });

  void test('a writer leaves alone what a living one has staged', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    const lease = takeLease(place, 'test');
    const writer = await openChunkWriter(place, lease);
    writer.put(digest, packed);
    await withWriter(place, (other) => assert.equal(other.has(digest), false));
    await writer.commit();
    await writer.close();
    lease.release();
    assert.deepEqual(readFileSync(chunkFileOf(place.chunks, digest)), packed);
  });

  void test('two writers may put the same chunk', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    await withWriter(place, (writer) => {
      writer.put(digest, packed);
      return withWriter(place, (other) => other.put(digest, packed));
    });
    assert.deepEqual(await chunkFiles(place).read(named), chunk);
  });

  void test('`commit` fails, and so does all after it, when a file cannot get its name', async (t) => {
    const place = storePlace(temporaryDirectory(t));
    const lease = takeLease(place, 'test');
    const writer = await openChunkWriter(place, lease);
    // A file where the directory of the chunk should be.
    writeFileSync(dirname(chunkFileOf(place.chunks, digest)), '');
    writer.put(digest, packed);
    await assert.rejects(async () => writer.commit(), { code: 'EEXIST' });
    await assert.rejects(async () => writer.commit(), { code: 'EEXIST' });
    await assert.rejects(async () => writer.ready(), { code: 'EEXIST' });
    await writer.close();
    lease.release();
  });
});

void suite('chunkFiles', () => {
  for (const [what, bytes] of [
    ['it is missing', undefined],
    ['it was cut short', packed.subarray(0, packed.length - 3)],
    [
      'a bit was flipped',
      Buffer.concat([
        packed.subarray(0, 10),
        Buffer.from([(packed[10] ?? 0) ^ 4]),
        packed.subarray(11),
      ]),
    ],
    ['it is another chunk', compress(Buffer.from('another chunk indeed'))],
    ['it is far too large', Buffer.alloc(1024 * 1024)],
    ['it is empty', Buffer.alloc(0)],
  ] as const) {
    void test(`\`read\` throws \`corrupt\` when ${what}`, async (t) => {
      const place = storePlace(temporaryDirectory(t));
      await withWriter(place, (writer) => writer.put(digest, packed));
      const file = chunkFileOf(place.chunks, digest);
      rmSync(file);
      if (bytes !== undefined) writeFileSync(file, bytes);
      await assert.rejects(async () => chunkFiles(place).read(named), { code: 'corrupt' });
    });
  }
});
