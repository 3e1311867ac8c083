import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { diffPieces, type Extent, type Piece } from '../../src/catalogue/diff-chunks.ts';

/** Pieces of the given lengths; equal letters of equal length are equal pieces, `.` is zeros. */
function draw(letters: string, lengths: readonly number[] = []): Piece[] {
  let offset = 0;
  return letters.split('').map((letter, place) => {
    const lengthBytes = lengths[place] ?? 10;
    const piece = { offset, lengthBytes, digest: Buffer.from(letter), isZero: letter === '.' };
    offset += lengthBytes;
    return piece;
  });
}

function diff(before: readonly Piece[], after: readonly Piece[], isSameKind = true): Extent[] {
  return [...diffPieces(before, after, { isSameKind })].filter((extent) => extent !== undefined);
}

function words(extents: readonly Extent[]): string[] {
  return extents.map(({ offset, lengthBytes, change }) => `${offset}+${lengthBytes} ${change}`);
}

/** What each byte of an image belongs to: the piece, as a text that equal pieces share. */
function bytesOf(pieces: readonly Piece[], isSameKind: boolean, side: string): string[] {
  return pieces.flatMap(({ offset, lengthBytes, digest, isZero }) => {
    const name = `${offset}+${lengthBytes} ${digest.toString()}${isSameKind ? '' : side}`;
    return Array.from({ length: lengthBytes }, () => (isZero ? '.' : name));
  });
}

function changeOf(one: string | undefined, other: string | undefined): string | undefined {
  if (one === other) return undefined;
  if (one === undefined) return 'added';
  if (other === undefined) return 'removed';
  if (one === '.') return 'written';
  return other === '.' ? 'zeroed' : 'changed';
}

const images = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', '.'), fc.integer({ min: 1, max: 3 })), {
    maxLength: 12,
  })
  .map((drawn) =>
    draw(
      drawn.map(([letter]) => letter).join(''),
      drawn.map(([, length]) => length),
    ),
  );

void suite('diffPieces', () => {
  void test('`diffPieces` names each kind of change, and merges neighbours of one kind', () => {
    const found = diff(draw('abcd.e..f'), draw('axyd.e.z.'));
    assert.deepEqual(words(found), ['10+20 changed', '70+10 written', '80+10 zeroed']);
  });

  void test('`diffPieces` tells what was added when the second image is larger', () => {
    assert.deepEqual(words(diff(draw('ab'), draw('ab.c'))), ['20+20 added']);
    assert.deepEqual(words(diff(draw('ab.c'), draw('ab'))), ['20+20 removed']);
    assert.deepEqual(words(diff([], draw('a'))), ['0+10 added']);
    assert.deepEqual(words(diff([], [])), []);
  });

  void test('`diffPieces` compares zeros even if they were cut differently', () => {
    assert.deepEqual(words(diff(draw('a...', [10, 4, 4, 12]), draw('a..'))), []);
  });

  void test('`diffPieces` takes data for changed when its pieces were cut differently', () => {
    assert.deepEqual(words(diff(draw('aa', [5, 15]), draw('aa'))), ['0+20 changed']);
  });

  void test('`diffPieces` compares zeros alone when digests are of different kinds', () => {
    assert.deepEqual(words(diff(draw('a.b'), draw('a.b'), false)), [
      '0+10 changed',
      '20+10 changed',
    ]);
  });

  void test('`diffPieces` yields a pulse when nothing differs for long', () => {
    const same = draw('a'.repeat(10_000));
    assert.deepEqual([...diffPieces(same, same)], [undefined, undefined]);
  });

  void test('`diffPieces` tells for every byte what a comparison byte by byte tells', () => {
    fc.assert(
      fc.property(images, images, fc.boolean(), (before, after, isSameKind) => {
        const ones = bytesOf(before, isSameKind, ' before');
        const others = bytesOf(after, isSameKind, ' after');
        const wanted = Array.from({ length: Math.max(ones.length, others.length) }, (_, place) =>
          changeOf(ones[place], others[place]),
        );
        const found: (string | undefined)[] = wanted.map(() => undefined);
        const extents = diff(before, after, isSameKind);
        for (const { offset, lengthBytes, change } of extents) {
          found.fill(change, offset, offset + lengthBytes);
        }
        assert.deepEqual(found, wanted);
        for (const [place, extent] of extents.entries()) {
          const last = extents[place - 1];
          if (last === undefined) continue;
          const end = last.offset + last.lengthBytes;
          assert.ok(
            end < extent.offset || (end === extent.offset && last.change !== extent.change),
          );
        }
      }),
    );
  });
});
