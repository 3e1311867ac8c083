import { KgetError } from '../base/error.ts';

const LINE_FEED = 10;

export interface LineSplitter {
  /**
   * The lines that `bytes` completes, without their line feeds.
   * @throws KgetError `protocol` when a line is longer than allowed
   */
  push(bytes: Buffer): Generator<string, void>;
  /** Bytes of a line that has not ended yet. */
  pendingBytes(): number;
  /** Takes out the bytes of the line that has not ended yet. */
  takePending(): Buffer;
}

/** Cuts a byte stream into lines, keeping at most `maxLineBytes` of one that has not ended. */
export function lineSplitter(maxLineBytes: number): LineSplitter {
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  function keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    pending.push(bytes);
    pendingBytes += bytes.length;
    if (pendingBytes <= maxLineBytes) return;
    throw new KgetError(
      'protocol',
      `Cannot read a line: ${pendingBytes} B without an end so far, at most ${maxLineBytes} B may be`,
    );
  }

  function takePending(): Buffer {
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    return bytes;
  }

  return {
    *push(bytes) {
      let start = 0;
      for (;;) {
        const end = bytes.indexOf(LINE_FEED, start);
        keep(bytes.subarray(start, end < 0 ? bytes.length : end));
        if (end < 0) return;
        yield takePending().toString('utf8');
        start = end + 1;
      }
    },
    pendingBytes: () => pendingBytes,
    takePending,
  };
}
