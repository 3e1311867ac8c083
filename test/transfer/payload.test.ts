import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ERROR_CODES, KgetError } from '../../src/base/error.ts';
import { decodeDigestRuns, encodeDigestRuns } from '../../src/transfer/digest-runs.ts';
import { MAX_FAILURE_BYTES } from '../../src/transfer/limits.ts';
import {
  decodeCount,
  decodeFailure,
  decodeMeta,
  decodeOpen,
  decodeRuns,
  encodeFailure,
  encodeMeta,
  encodeOpen,
  encodeRuns,
} from '../../src/transfer/payload.ts';
import { digestOf } from './memory.ts';

const digests = fc
  .array(fc.record({ value: fc.nat(3), repeat: fc.integer({ min: 1, max: 20 }) }), { minLength: 1 })
  .map((runs) =>
    Buffer.concat(
      runs.flatMap(({ value, repeat }) =>
        Array.from({ length: repeat }, () => digestOf(Buffer.from([value]))),
      ),
    ),
  );

void test('`decodeDigestRuns` gives back what `encodeDigestRuns` was given', () => {
  fc.assert(
    fc.property(digests, (packed) => {
      const runs = encodeDigestRuns(packed);
      assert.ok(decodeDigestRuns(runs, packed.length / 32).equals(packed));
      assert.ok(runs.length <= (packed.length / 32) * 36);
    }),
  );
});

void test('`encodeDigestRuns` needs one run when all digests are equal', () => {
  assert.equal(encodeDigestRuns(Buffer.alloc(1000 * 32)).length, 36);
});

void test('`decodeDigestRuns` throws `protocol` when there are more digests than are due', () => {
  const runs = encodeDigestRuns(Buffer.alloc(10 * 32));
  assert.throws(() => decodeDigestRuns(runs, 9), { code: 'protocol' });
  runs.writeUInt32LE(2 ** 32 - 1, 0);
  assert.throws(() => decodeDigestRuns(runs, 1024), { code: 'protocol' });
});

void test('`decodeOpen`, `decodeMeta`, `decodeRuns` and `decodeFailure` give back what was encoded', () => {
  const open = {
    image: 'node07:/srv/disk é',
    chunkSizeBytes: 131_072,
    acceptsZstd: true,
    level: 7,
  };
  assert.deepEqual(decodeOpen(encodeOpen(open)), open);
  const shape = { sizeBytes: 2 ** 50 + 1, chunkSizeBytes: 4096 };
  assert.deepEqual(decodeMeta(encodeMeta(shape)), shape);
  const runs = [
    { first: 0, count: 3 },
    { first: 9, count: 1 },
  ];
  assert.deepEqual(decodeRuns(encodeRuns(runs), 10), runs);
  const failure = { code: 'no-room', message: 'Cannot store é' } as const;
  assert.deepEqual(decodeFailure(encodeFailure(failure)), failure);
});

void test('`encodeFailure` fits the frame whatever the message', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ERROR_CODES),
      fc.string({ unit: 'binary', minLength: 600, maxLength: 5000 }),
      (code, message) => {
        const payload = encodeFailure({ code, message });
        assert.ok(payload.length <= MAX_FAILURE_BYTES);
        assert.equal(decodeFailure(payload).code, code);
      },
    ),
  );
});

void test('payload readers throw `protocol` or `version` and nothing else when bytes are arbitrary', () => {
  const readers = [
    decodeOpen,
    decodeMeta,
    decodeCount,
    decodeFailure,
    (bytes: Buffer) => decodeRuns(bytes, 1000),
    (bytes: Buffer) => decodeDigestRuns(bytes, 1000),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...readers), fc.uint8Array({ maxLength: 200 }), (read, bytes) => {
      try {
        read(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof KgetError, String(error));
        assert.ok(error.code === 'protocol' || error.code === 'version');
      }
    }),
    { numRuns: 500 },
  );
});
