import { EventEmitter } from 'node:events';
import { systemError } from './disk.ts';
import { beforeEffect, post, type Process } from './process.ts';

/** Bytes that are on their way in one event. */
const SEGMENT_BYTES = 16 * 1024;
/** A receiver that does not read lets so much come. */
const WINDOW_BYTES = 256 * 1024;

interface OnRead {
  readonly buffer: () => Buffer;
  readonly callback: (count: number, buffer: Buffer) => boolean;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly onSent: (() => void) | undefined;
}

/** One end of a connection: what production code uses of a `TLSSocket`. */
export class SimulatedSocket extends EventEmitter {
  readonly process: Process;
  readonly #onRead: OnRead | undefined;
  peer: SimulatedSocket | undefined;
  destroyed = false;
  writableLength = 0;
  authorizationError: Error | undefined;
  /** Data flows: both ends know each other. */
  isSecure = false;
  readonly #port: number;
  #isEnding = false;
  #isPaused = false;
  #isSending = false;
  #hasEnded = false;
  readonly #outbox: Waiting[] = [];
  #inbox: Buffer[] = [];
  readonly #onDeath = (): void => this.#vanish();

  constructor(process: Process, onRead?: OnRead) {
    super();
    process.machine.started += 1;
    this.#port = process.machine.started;
    this.process = process;
    this.#onRead = onRead;
    process.onEnd.add(this.#onDeath);
  }

  get writable(): boolean {
    return !this.destroyed && !this.#isEnding;
  }

  get remoteAddress(): string | undefined {
    return this.peer?.process.host.name;
  }

  get localAddress(): string {
    return this.process.host.name;
  }

  get remotePort(): number | undefined {
    return this.peer === undefined ? undefined : this.peer.#port;
  }

  setNoDelay(): this {
    return this;
  }

  write(data: Uint8Array | string, onSent?: () => void): boolean {
    beforeEffect('send');
    if (!this.writable) return false;
    // Who wrote may use its buffer again once it is told that all has gone out.
    const bytes = Buffer.from(data as Uint8Array);
    this.#outbox.push({ bytes, onSent });
    this.writableLength += bytes.length;
    this.#pump();
    return true;
  }

  pause(): this {
    this.#isPaused = true;
    return this;
  }

  resume(): this {
    this.#isPaused = false;
    post(this.process, 0, () => this.#read());
    return this;
  }

  end(): this {
    this.#isEnding = true;
    this.#pump();
    return this;
  }

  destroySoon(): void {
    this.end();
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this;
    this.#close(error);
    this.#tellPeer(() => this.peer?.fail(undefined));
    return this;
  }

  /** The connection breaks at this end, with an error if one is given. */
  fail(error: Error | undefined): void {
    if (this.process.state === 'running') this.#close(error);
  }

  #close(error: Error | undefined): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.writableLength = 0;
    this.#outbox.length = 0;
    this.#inbox = [];
    this.process.onEnd.delete(this.#onDeath);
    post(this.process, 0, () => {
      // What breaks before the greeting is over, the server is told of: see tls.ts.
      if (error !== undefined && (this.isSecure || this.listenerCount('error') > 0)) {
        this.emit('error', error);
      }
      this.emit('close', error !== undefined);
    });
  }

  /** The process is gone; its host, if that lives, resets the connection. */
  #vanish(): void {
    this.destroyed = true;
    if (this.process.host.isDown) return;
    this.#tellPeer(() => this.peer?.fail(systemError('ECONNRESET', 'read')));
  }

  #tellPeer(action: () => void): void {
    const { peer } = this;
    if (peer === undefined) return;
    const { network, timeline } = this.process.machine;
    const { host } = this.process;
    network.whenOpen(host, peer.process.host, () => {
      timeline.after(network.latencyMs(), () => {
        if (peer.process.state === 'running') post(peer.process, 0, action);
      });
    });
  }

  /** Sends what waits, a segment at a time, as fast as the link and the reader at its end allow. */
  #pump(): void {
    const { peer } = this;
    if (this.#isSending || this.destroyed || peer === undefined || !this.isSecure) return;
    const next = this.#outbox[0];
    if (next === undefined) {
      if (!this.#isEnding || this.#hasEnded) return;
      this.#hasEnded = true;
      this.#carry(Buffer.alloc(0), () => {
        peer.#finish();
        this.#close(undefined);
      });
      return;
    }
    if (peer.#inboxBytes() > WINDOW_BYTES) return;
    const segment = next.bytes.subarray(0, SEGMENT_BYTES);
    const rest = next.bytes.subarray(segment.length);
    this.#isSending = true;
    this.#carry(segment, () => {
      this.#isSending = false;
      if (this.destroyed && this.process.state === 'running') return;
      this.writableLength -= segment.length;
      if (rest.length > 0) this.#outbox[0] = { ...next, bytes: rest };
      else this.#outbox.shift();
      peer.#take(segment);
      if (rest.length === 0 && next.onSent !== undefined) post(this.process, 0, next.onSent);
      this.#pump();
    });
  }

  #carry(bytes: Buffer, onArrived: () => void): void {
    const { peer } = this;
    if (peer === undefined) return;
    const { network, timeline } = this.process.machine;
    const from = this.process.host;
    const to = peer.process.host;
    network.whenOpen(from, to, () => {
      timeline.after(network.transitMs(from, to, bytes.length), () => {
        network.whenOpen(from, to, () => {
          // A host that is up again knows nothing of this connection.
          if (peer.process.state === 'dead') post(this.process, 0, () => this.#reset());
          else onArrived();
        });
      });
    });
  }

  #reset(): void {
    this.#close(systemError('ECONNRESET', 'read'));
  }

  #take(bytes: Buffer): void {
    if (this.destroyed) return;
    this.#inbox.push(bytes);
    post(this.process, 0, () => this.#read());
  }

  #inboxBytes(): number {
    return this.#inbox.reduce((sum, { length }) => sum + length, 0);
  }

  #read(): void {
    const wasFull = this.#inboxBytes() > WINDOW_BYTES;
    while (this.isSecure && !this.#isPaused && !this.destroyed) {
      const bytes = this.#inbox.shift();
      if (bytes === undefined) break;
      if (this.#onRead === undefined) {
        this.emit('data', bytes);
        continue;
      }
      const space = this.#onRead.buffer();
      const count = bytes.copy(space);
      if (count < bytes.length) this.#inbox.unshift(bytes.subarray(count));
      if (!this.#onRead.callback(count, space)) this.#isPaused = true;
    }
    if (wasFull && this.peer !== undefined) this.peer.#pump();
  }

  /** The other end has sent all that it will. */
  #finish(): void {
    post(this.process, 0, () => {
      this.#read();
      this.emit('end');
      this.#close(undefined);
    });
  }

  /** Both ends trust each other from now on. */
  secure(): void {
    this.isSecure = true;
    this.#pump();
    post(this.process, 0, () => this.#read());
  }
}
