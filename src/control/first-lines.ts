import type { Readable } from 'node:stream';
import { KgetError } from '../base/error.ts';

/** All that a node may print before its agent speaks: greetings, quotas, the news of the day. */
const MAX_FIRST_BYTES = 256 * 1024;

const LINE_FEED = 10;

/** Reads a stream line by line for a while, before someone else takes it over. */
export interface FirstLines {
  /**
   * The next line, or undefined when the stream has ended.
   * @throws KgetError `protocol` after more than `MAX_FIRST_BYTES`
   */
  next(): Promise<string | undefined>;
  /** Gives back the bytes that were read behind the last line. */
  release(): Buffer;
}

export function firstLines(readable: Readable): FirstLines {
  let unread: Buffer = Buffer.alloc(0);
  let readBytes = 0;

  async function readMore(): Promise<boolean> {
    const bytes = await nextBytes(readable);
    if (bytes === undefined) return false;
    readBytes += bytes.length;
    unread = Buffer.concat([unread, bytes]);
    if (readBytes <= MAX_FIRST_BYTES) return true;
    throw new KgetError(
      'protocol',
      `Cannot find the agent's first words: ${readBytes} B of other output came before them, ` +
        `at most ${MAX_FIRST_BYTES} B are skipped; silence the shell's start-up files`,
    );
  }

  return {
    async next() {
      let end = unread.indexOf(LINE_FEED);
      while (end < 0) {
        if (!(await readMore())) return undefined;
        end = unread.indexOf(LINE_FEED);
      }
      const line = unread.toString('utf8', 0, end);
      unread = unread.subarray(end + 1);
      return line;
    },
    release: () => unread,
  };
}

/** What the stream has, as soon as it has something; undefined once it has ended or broken. */
async function nextBytes(readable: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const bytes = readable.read() as Buffer | null;
    if (bytes !== null) return bytes;
    if (readable.readableEnded || readable.destroyed) return undefined;
    await new Promise<void>((resolve) => {
      const events = ['readable', 'end', 'close', 'error'];
      const wake = () => {
        for (const event of events) readable.off(event, wake);
        resolve();
      };
      for (const event of events) readable.on(event, wake);
    });
  }
}
