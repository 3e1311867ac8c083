import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import {
  type ManifestFields,
  parseManifest,
  readManifest,
  writeManifest,
} from '../../src/catalogue/manifest.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import { sampleImage, sampleManifest } from './sample-manifest.ts';

const SCHEMA = 'kgetplus.manifest/1';

/** Text that JSON can tell: without halves of surrogate pairs. */
const text = fc.string({ unit: 'binary' });
const bytes = fc.maxSafeNat();

const PLAIN = { noNullPrototype: true } as const;

const manifests: fc.Arbitrary<ManifestFields> = fc.record(
  {
    run: text,
    startedAt: text,
    endedAt: fc.option(text),
    user: text,
    host: text,
    version: text,
    command: fc.array(text),
    tags: fc.array(text),
    images: fc.array(
      fc
        .record({
          node: text,
          path: text,
          name: text,
          sizeBytes: bytes,
          dataBytes: bytes,
          wireBytes: bytes,
          chunks: bytes,
        })
        .map((fields) => sampleImage(fields)),
    ),
    missing: fc.array(fc.record({ node: text, path: fc.option(text), reason: text }, PLAIN)),
  },
  PLAIN,
);

function parse(value: unknown) {
  return parseManifest({ text: JSON.stringify(value), file: 'manifest.json' });
}

void suite('parseManifest', () => {
  void test('`parseManifest` reads what is written, whatever the names', () => {
    fc.assert(
      fc.property(manifests, (fields) => {
        const manifest = { schema: SCHEMA, ...fields };
        assert.deepEqual(parse(manifest), manifest);
      }),
    );
  });

  void test('`parseManifest` leaves out fields that it does not know', () => {
    const manifest = { schema: SCHEMA, ...sampleManifest() };
    assert.deepEqual(parse({ ...manifest, later: 1 }), manifest);
  });

  void test('`parseManifest` refuses what is no manifest', () => {
    const manifest = { schema: SCHEMA, ...sampleManifest() };
    const withImage = (change: object) => ({
      ...manifest,
      images: [{ ...sampleImage(), ...change }],
    });
    for (const [value, message] of [
      [null, /no field "schema" found/],
      [[], /no field "schema" found/],
      [{ ...manifest, run: 7 }, /run: wanted string/],
      [{ ...manifest, images: {} }, /images: wanted array/],
      [withImage({ sizeBytes: -1 }), /images\[0\]\.sizeBytes: wanted at least 0/],
      [withImage({ sizeBytes: 1.5 }), /images\[0\]\.sizeBytes: wanted int/],
      [withImage({ sizeBytes: 2 ** 60 }), /images\[0\]\.sizeBytes: wanted/],
      [withImage({ indexSha256: '0123' }), /images\[0\]\.indexSha256: wanted regex/],
      [withImage({ indexSha256: 'A'.repeat(64) }), /images\[0\]\.indexSha256: wanted regex/],
    ] as const) {
      assert.throws(() => parse(value), { code: 'corrupt', message });
    }
  });

  void test('`parseManifest` says so when another version wrote it', () => {
    assert.throws(() => parse({ ...sampleManifest(), schema: 'kgetplus.manifest/2' }), {
      code: 'version',
      message: /"kgetplus\.manifest\/2" found, wanted "kgetplus\.manifest\/1"/,
    });
  });
});

void suite('writeManifest', () => {
  void test('`writeManifest` replaces an older one, and leaves nothing else', async (t) => {
    const directory = temporaryDirectory(t);
    const file = join(directory, 'manifest.json');
    await writeManifest(file, sampleManifest({ endedAt: null }));
    await writeManifest(file, sampleManifest({ tags: ['gold'] }));
    assert.deepEqual(readManifest(file), { schema: SCHEMA, ...sampleManifest({ tags: ['gold'] }) });
    assert.deepEqual(readdirSync(directory), ['manifest.json']);
    assert.match(
      readFileSync(file, 'utf8'),
      /^\{\n {2}"schema": "kgetplus\.manifest\/1",\n[^]*\}\n$/,
    );
  });

  void test('`readManifest` says which file it is that cannot be read', (t) => {
    const file = join(temporaryDirectory(t), 'manifest.json');
    assert.throws(() => readManifest(file), {
      code: 'source-unreadable',
      message: /^Cannot read manifest .*manifest\.json: ENOENT/,
    });
  });
});
