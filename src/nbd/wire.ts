import type { Socket } from 'node:net';
import { SKIP_BYTES } from './limits.ts';

/** Something that is waited for; Node.js 20 has no `Promise.withResolvers`. */
interface Opening {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function opening(): Opening {
  let resolve: (() => void) | undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve?.() };
}

/** A connection as the protocol sees it. */
export interface Wire {
  /**
   * The next `count` bytes; `undefined` when the connection ended before. One call at a time. Bytes
   * that nobody asks for stay in the socket, so the peer is held up.
   */
  read(count: number): Promise<Buffer | undefined>;
  /**
   * Sends the pieces in one go: nothing of another call comes between them. Resolves when there is
   * room for more. Does nothing when the connection is closed.
   */
  write(pieces: readonly Uint8Array[]): Promise<void>;
  isClosed(): boolean;
}

/** Reads so many bytes and forgets them; `false` when the connection ended before. */
export async function skip(wire: Wire, count: number): Promise<boolean> {
  for (let left = count; left > 0; left -= SKIP_BYTES) {
    if ((await wire.read(Math.min(left, SKIP_BYTES))) === undefined) return false;
  }
  return true;
}

export interface SocketWire extends Wire {
  /**
   * Lets go of the socket when all that was written has gone out. Resolves to the number of bytes
   * that had arrived and were not read.
   */
  release(): Promise<number>;
}

/** A wire over a socket that nobody else reads; the socket stays its owner's to close. */
export function socketWire(socket: Socket): SocketWire {
  let wakeReader: (() => void) | undefined;
  let room: Opening | undefined;

  function onReadable(): void {
    wakeReader?.();
  }

  function onRoom(): void {
    room?.resolve();
    room = undefined;
  }

  function onClose(): void {
    onReadable();
    onRoom();
  }

  socket.on('readable', onReadable);
  socket.on('end', onReadable);
  socket.on('drain', onRoom);
  socket.on('close', onClose);

  async function read(count: number): Promise<Buffer | undefined> {
    if (count === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes = socket.read(count) as Buffer | null;
      // Fewer bytes come out only after the end.
      if (bytes !== null) return bytes.length === count ? bytes : undefined;
      if (socket.readableEnded || socket.destroyed) return undefined;
      await new Promise<void>((resolve) => {
        wakeReader = resolve;
      });
    }
  }

  function write(pieces: readonly Uint8Array[]): Promise<void> {
    if (!socket.writable) return Promise.resolve();
    // All that is written in one turn of the loop goes out in one system call.
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    process.nextTick(() => socket.uncork());
    if (!socket.writableNeedDrain) return Promise.resolve();
    room ??= opening();
    return room.promise;
  }

  async function release(): Promise<number> {
    await new Promise<void>((resolve) => {
      socket.write('', () => resolve());
    });
    socket.off('readable', onReadable);
    socket.off('end', onReadable);
    socket.off('drain', onRoom);
    socket.off('close', onClose);
    return socket.readableLength;
  }

  return { read, write, isClosed: () => !socket.writable, release };
}
