import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { storeFailure } from '../../src/content/room.ts';

const STORED = { title: 'image "a" from n1', directory: '/', neededBytes: 3_328_599_654 };

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: it failed`), { code });
}

for (const [code, expected, message] of [
  ['ENOSPC', 'no-room', /^Cannot store image "a" from n1: 3\.10 GiB needed, .* free on \/$/],
  ['EDQUOT', 'no-room', /needed/],
  [
    'EROFS',
    'target-unwritable',
    /^Cannot store image "a" from n1 in \/: EROFS: it failed; wanted /,
  ],
  ['EACCES', 'target-unwritable', /EACCES/],
] as const) {
  void test(`\`storeFailure\` gives ${expected} for ${code}`, () => {
    const failure = storeFailure(systemError(code), STORED);
    assert.ok(failure instanceof KgetError);
    assert.equal(failure.code, expected);
    assert.match(failure.message, message);
  });
}

void test("`storeFailure` leaves errors that are not the system's as they are", () => {
  const bug = new Error('Assertion failed: x');
  assert.equal(storeFailure(bug, STORED), bug);
  const known = new KgetError('cancelled', 'stopped');
  assert.equal(storeFailure(known, STORED), known);
});
