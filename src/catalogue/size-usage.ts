import { assert } from '../base/assert.ts';

/** Users are numbered from 0 on; the highest bit of a mark is for chunks that several have. */
const SHARED = 2 ** 31;

/** Files that only one user has. */
export interface UniqueFiles {
  readonly uniqueChunks: number;
  /** Bytes of the files: what would be freed without the user. */
  readonly uniqueBytes: number;
}

/** Which users have which chunks of a store: 4 bytes of memory a chunk, 16 a user. */
export interface Usage {
  /**
   * Notes that a user has a chunk, whose file has `packedBytes`. Returns whether the user had it
   * before (`again`), else whether anybody had (`known`) or not (`new`). If the uses of one user
   * do not all follow each other, `known` may also mean `again`.
   */
  use(ordinal: number, user: number, packedBytes: number): 'again' | 'known' | 'new';
  uniqueTo(user: number): UniqueFiles;
}

/** For chunks with ordinals below `ordinals`. */
export function createUsage(ordinals: number): Usage {
  /** The last user's number plus 1; 0 is none. */
  const marks = new Uint32Array(ordinals);
  const chunks: number[] = [];
  const bytes: number[] = [];

  function count(user: number, sign: 1 | -1, packedBytes: number): void {
    chunks[user] = (chunks[user] ?? 0) + sign;
    bytes[user] = (bytes[user] ?? 0) + sign * packedBytes;
  }
  return {
    use(ordinal, user, packedBytes) {
      const mark = marks[ordinal];
      assert(mark !== undefined, `an ordinal ${ordinal} of ${ordinals}`);
      if (mark === 0) {
        marks[ordinal] = user + 1;
        count(user, 1, packedBytes);
        return 'new';
      }
      const isShared = mark >= SHARED;
      const last = mark - (isShared ? SHARED : 0) - 1;
      if (last === user) return 'again';
      if (!isShared) count(last, -1, packedBytes);
      marks[ordinal] = SHARED + user + 1;
      return 'known';
    },
    uniqueTo: (user) => ({ uniqueChunks: chunks[user] ?? 0, uniqueBytes: bytes[user] ?? 0 }),
  };
}
