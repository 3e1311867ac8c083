import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { DIGEST_BYTES } from '../../src/content/image.ts';
import { openIndex } from '../../src/content/index-reader.ts';
import { createIndexWriter } from '../../src/content/index-writer.ts';
import { CHUNK, digestsOf, drawImage, temporaryDirectory, writeIndex } from './fixtures.ts';

const FORMATS = join(import.meta.dirname, '../formats');
const SAMPLE = drawImage('ab.a.c', 1000);

async function readAll(path: string) {
  const index = await openIndex(path);
  try {
    return { shape: index.shape, digests: index.read(0, index.chunkCount) };
  } finally {
    index.close();
  }
}

function sampleIn(t: TestContext): { path: string; bytes: Buffer } {
  const bytes = readFileSync(join(FORMATS, 'sample.caibx'));
  return { path: join(temporaryDirectory(t), 'x.caibx'), bytes };
}

async function assertCorrupt(path: string, pattern: RegExp): Promise<void> {
  await assert.rejects(openIndex(path), (error) => {
    assert.ok(error instanceof KgetError);
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, pattern);
    assert.ok(error.message.includes(path));
    return true;
  });
}

void test('`openIndex` reads the frozen sample', async () => {
  const { shape, digests } = await readAll(join(FORMATS, 'sample.caibx'));
  assert.deepEqual(shape, { sizeBytes: SAMPLE.length, chunkSizeBytes: CHUNK });
  const listed = readFileSync(join(FORMATS, 'sample.digests'), 'utf8').trim().split('\n');
  assert.equal(digests.toString('hex'), listed.join(''));
  assert.deepEqual(digests, digestsOf(SAMPLE));
});

void test('`createIndexWriter` writes the frozen sample byte for byte', async (t) => {
  const { path, bytes } = sampleIn(t);
  await writeIndex(path, SAMPLE);
  assert.deepEqual(readFileSync(path), bytes);
});

void test('`openIndex` reads what `createIndexWriter` wrote, in batches of any size', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 9000 }),
      fc.integer({ min: 1, max: CHUNK }),
      fc.integer({ min: 1, max: 5000 }),
      async (chunks, lastBytes, batch) => {
        const sizeBytes = chunks === 0 ? 0 : (chunks - 1) * CHUNK + lastBytes;
        const shape = { sizeBytes, chunkSizeBytes: CHUNK };
        const wanted = Buffer.alloc(chunks * DIGEST_BYTES, 'any digests');
        const writer = createIndexWriter(path, shape);
        for (let at = 0; at < wanted.length; at += batch * DIGEST_BYTES) {
          writer.append(wanted.subarray(at, at + batch * DIGEST_BYTES));
        }
        await writer.finish();
        writer.close();
        assert.deepEqual(await readAll(path), { shape, digests: wanted });
      },
    ),
    { numRuns: 15 },
  );
});

void test('`openIndex` throws only `corrupt` when bytes are changed or cut off', async (t) => {
  const { path, bytes } = sampleIn(t);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.option(fc.nat(bytes.length)),
      async (changes, length) => {
        const hostile = Buffer.from(bytes);
        for (const [place, value] of changes) hostile[place] = value;
        writeFileSync(path, hostile.subarray(0, length ?? bytes.length));
        const result: unknown = await readAll(path).catch((error: unknown) => error);
        if (result instanceof Error) {
          assert.ok(result instanceof KgetError);
          assert.equal(result.code, 'corrupt');
        }
      },
    ),
    { numRuns: 300 },
  );
});

void test('`openIndex` throws `corrupt` when the file claims to be huge', async (t) => {
  const { path, bytes } = sampleIn(t);
  writeFileSync(path, bytes);
  truncateSync(path, 104 + 40 * 10_000_000_000);
  await assertCorrupt(path, /word 2 of the tail/);
});

const WORD = 8;
const HOSTILE: readonly [string, number, bigint, RegExp][] = [
  ['the type is another', WORD, 1n, /header type 0x1, wanted 0x96824d9c7b129ff9/],
  [
    'digests are not SHA-256',
    2 * WORD,
    0x2000000000000000n,
    /digests by sha512-256, wanted sha256/,
  ],
  ['chunks are cut by content', 3 * WORD, 1024n, /chunks of 1024 to 4096 B, wanted .* fixed/],
  ['an end goes back', 8 * WORD, 4095n, /chunk 0 to go from byte 0 to byte 4095, wanted 4096/],
  [
    'the last end is too far',
    8 * WORD + 5 * 40,
    999_999n,
    /chunk 5 to go from byte 20480 to byte 999999/,
  ],
  ['an end is beyond all integers', 8 * WORD + 5 * 40, 2n ** 64n - 1n, /to byte Infinity/],
];

for (const [what, place, value, pattern] of HOSTILE) {
  void test(`\`openIndex\` throws \`corrupt\` when ${what}`, async (t) => {
    const { path, bytes } = sampleIn(t);
    bytes.writeBigUInt64LE(value, place);
    writeFileSync(path, bytes);
    await assertCorrupt(path, pattern);
  });
}

void test('`openIndex` throws `corrupt` when there is a directory', async (t) => {
  await assertCorrupt(temporaryDirectory(t), /regular file/);
});

void test('`openIndex` throws `source-unreadable` when there is nothing', async (t) => {
  const path = join(temporaryDirectory(t), 'none');
  await assert.rejects(openIndex(path), { code: 'source-unreadable' });
});

void test('`read` throws `corrupt` when the index was cut short since', async (t) => {
  const { path, bytes } = sampleIn(t);
  writeFileSync(path, bytes);
  const index = await openIndex(path);
  truncateSync(path, 100);
  assert.throws(() => index.read(0, 6), { code: 'corrupt' });
  index.close();
});
