import type { Dice } from './dice.ts';

/** No input is longer. */
const MAX_INPUT_BYTES = 256 * 1024;

/** An input has been changed in so many places at most. */
const MAX_CHANGES = 6;

/** Lengths of pieces that are moved: fields, and entries of indexes. */
const PIECE_BYTES = [1, 2, 4, 8, 16, 40];

/** Where sizes and counts go wrong: around nothing, around powers of two, at the ends. */
const EDGES = [
  0n,
  1n,
  2n,
  -1n,
  -2n,
  ...[7n, 8n, 12n, 15n, 16n, 20n, 24n, 31n, 32n, 53n, 63n].flatMap((power) => [
    (1n << power) - 1n,
    1n << power,
    (1n << power) + 1n,
  ]),
];

/** One of `samples`, changed in a few places. */
export function mutateBytes(samples: readonly Buffer[], dice: Dice): Buffer {
  let input: Buffer = Buffer.from(dice.pick(samples));
  const changes = 1 + dice.below(dice.oneIn(2) ? 1 : MAX_CHANGES);
  for (let change = 0; change < changes; change += 1) {
    input = dice.pick(CHANGES)(input, dice, samples).subarray(0, MAX_INPUT_BYTES);
  }
  return input;
}

type Change = (input: Buffer, dice: Dice, samples: readonly Buffer[]) => Buffer;

const CHANGES: readonly Change[] = [
  flipBit,
  flipBit,
  setByte,
  setNumber,
  setNumber,
  setNumber,
  truncate,
  extend,
  splice,
  repeatPiece,
  removePiece,
  copyPiece,
];

function flipBit(input: Buffer, dice: Dice): Buffer {
  if (input.length === 0) return input;
  const place = dice.below(input.length);
  input[place] = (input[place] ?? 0) ^ (1 << dice.below(8));
  return input;
}

function setByte(input: Buffer, dice: Dice): Buffer {
  if (input.length > 0) input[dice.below(input.length)] = dice.below(256);
  return input;
}

/** A number at the edge of something, or a little more or less than what is there. */
function setNumber(input: Buffer, dice: Dice): Buffer {
  const width = dice.pick([1, 2, 4, 8]);
  if (input.length < width) return input;
  const places = input.length - width + 1;
  const place = dice.oneIn(4) ? dice.below(places) : dice.below(Math.ceil(places / width)) * width;
  const bytes = Buffer.alloc(8);
  const isBig = dice.oneIn(2);
  if (dice.oneIn(3)) {
    input.copy(bytes, 0, place, place + width);
    if (isBig) bytes.subarray(0, width).reverse();
    bytes.writeBigInt64LE(BigInt.asIntN(64, bytes.readBigInt64LE(0) + BigInt(dice.below(9) - 4)));
  } else {
    bytes.writeBigInt64LE(BigInt.asIntN(64, dice.pick(EDGES)));
  }
  if (isBig) bytes.subarray(0, width).reverse();
  bytes.copy(input, place, 0, width);
  return input;
}

function truncate(input: Buffer, dice: Dice): Buffer {
  return input.subarray(0, dice.below(input.length + 1));
}

function extend(input: Buffer, dice: Dice): Buffer {
  const count = 1 + dice.below(dice.pick([4, 64, 1024]));
  return Buffer.concat([input, dice.oneIn(2) ? Buffer.alloc(count) : dice.bytes(count)]);
}

function splice(input: Buffer, dice: Dice, samples: readonly Buffer[]): Buffer {
  const other = dice.pick(samples);
  const head = input.subarray(0, dice.below(input.length + 1));
  return Buffer.concat([head, other.subarray(dice.below(other.length + 1))]);
}

function repeatPiece(input: Buffer, dice: Dice): Buffer {
  const { from, to } = pieceOf(input, dice);
  return Buffer.concat([input.subarray(0, to), input.subarray(from)]);
}

function removePiece(input: Buffer, dice: Dice): Buffer {
  const { from, to } = pieceOf(input, dice);
  return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
}

function copyPiece(input: Buffer, dice: Dice): Buffer {
  const { from, to } = pieceOf(input, dice);
  input.copyWithin(dice.below(input.length + 1), from, to);
  return input;
}

function pieceOf(input: Buffer, dice: Dice): { readonly from: number; readonly to: number } {
  const from = dice.below(input.length + 1);
  const length = dice.oneIn(4) ? dice.below(input.length + 1) : dice.pick(PIECE_BYTES);
  return { from, to: Math.min(from + length, input.length) };
}
