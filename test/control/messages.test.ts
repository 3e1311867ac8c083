import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SKETCH_HASH_LIMIT, SKETCH_HASHES } from '../../src/base/sketch.ts';
import { agentMessage } from '../../src/control/messages.ts';

const ascending = (count: number): number[] => Array.from({ length: count }, (_, place) => place);

void suite('agentMessage', () => {
  void test('`agentMessage` takes the sketch of an image', () => {
    for (const hashes of [[], [7], ascending(SKETCH_HASHES), [SKETCH_HASH_LIMIT - 1]]) {
      assert.ok(agentMessage.safeParse(scanned({ chunks: 500, hashes })).success);
    }
  });

  for (const [what, sketch] of [
    ['has too many hashes', { chunks: 500, hashes: ascending(SKETCH_HASHES + 1) }],
    ['is not in order', { chunks: 2, hashes: [2, 1] }],
    ['has a hash twice', { chunks: 2, hashes: [1, 1] }],
    ['has a hash that is too large', { chunks: 1, hashes: [SKETCH_HASH_LIMIT] }],
    ['has a hash below 0', { chunks: 1, hashes: [-1] }],
    ['has a hash that is no whole number', { chunks: 1, hashes: [0.5] }],
    ['has less than no chunks', { chunks: -1, hashes: [] }],
  ] as const) {
    void test(`\`agentMessage\` refuses a sketch that ${what}`, () => {
      assert.equal(agentMessage.safeParse(scanned(sketch)).success, false);
    });
  }

  void test('`agentMessage` cuts what is said in words', () => {
    const long = 'x'.repeat(5000);
    const failure = { code: 'internal', message: long };
    for (const message of [
      { type: 'notice', text: long },
      { type: 'unfit', failure },
      { type: 'scan-failed', path: '/vm/disk', failure },
      { type: 'receive-failed', transfer: 't1', blame: 'link', failure },
      { type: 'found', images: [], problems: [{ pattern: '/vm', failure }] },
    ]) {
      const text = JSON.stringify(agentMessage.parse(message));
      assert.ok(text.length < 2200, text);
      assert.match(text, /x{2000}/);
    }
  });

  void test('`agentMessage` refuses counts and digests that the journal could not have', () => {
    const received = { ...COUNTS, type: 'received', transfer: 't1', imageDigest: 'd'.repeat(64) };
    assert.ok(agentMessage.safeParse(received).success);
    for (const wrong of [
      { wireBytes: 0.5 },
      { wireBytes: 2 ** 60 },
      { dataBytes: 0.5 },
      { chunks: -1 },
      { imageDigest: 'd' },
      { imageDigest: 'D'.repeat(64) },
    ]) {
      assert.equal(agentMessage.safeParse({ ...received, ...wrong }).success, false);
    }
  });

  void test('`agentMessage` refuses a link of no speed', () => {
    const rest = { type: 'ready', port: 1, roomBytes: 1, spooled: [], seeded: [], warnings: [] };
    assert.ok(agentMessage.safeParse({ ...rest, linkBytesPerSecond: null }).success);
    assert.equal(agentMessage.safeParse({ ...rest, linkBytesPerSecond: 0 }).success, false);
  });
});

const COUNTS = { wireBytes: 1, chunks: 1, dataBytes: 1 };

function scanned(sketch: { readonly chunks: number; readonly hashes: readonly number[] }) {
  return { type: 'scanned', path: '/vm/disk', dataBytes: 1, imageDigest: 'd'.repeat(64), sketch };
}
