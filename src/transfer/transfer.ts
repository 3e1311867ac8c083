import type { KgetError } from '../base/error.ts';
import type { Landing, ServedImage } from '../content/image.ts';
import type { PullLimits, ServeLimits } from './limits.ts';

/** PEM texts that prove an agent's place in a run: see docs/protocol.md. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

/**
 * Bounds a rate: `take(n)` resolves when `n` more bytes may pass. A port; `unlimited` passes
 * everything.
 */
export interface RateLimit {
  take(bytes: number): Promise<void> | undefined;
}

/** What an agent needs to serve its images to the run's other agents. */
export interface ServeOptions {
  readonly identity: Identity;
  /**
   * The image by its id, as the coordinator names it; undefined if this agent does not have it. One
   * that is expected may be waited for, within a limit, until `signal` is aborted.
   */
  find(
    image: string,
    signal: AbortSignal,
  ): ServedImage | undefined | Promise<ServedImage | undefined>;
  readonly upload: RateLimit;
  /** A stranger was refused, a connection broke the protocol. */
  onNotice(text: string): void;
  /** Other limits than `SERVE_LIMITS`. */
  readonly limits?: Partial<ServeLimits>;
}

export interface Server {
  readonly port: number;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
}

export interface PullOptions {
  readonly identity: Identity;
  /** The agent to pull from, by its node name (checked against its certificate) and its address. */
  readonly from: { readonly node: string; readonly host: string; readonly port: number };
  readonly image: string;
  /**
   * Called once, when the sender has named the image's size; what it returns takes the image in. It
   * stays the caller's: to be finished or abandoned when the pull has ended, also if it was made
   * after that.
   */
  land(sizeBytes: number): Promise<Landing>;
  readonly chunkSizeBytes: number;
  /**
   * The zstd level at which the sender compresses every chunk that shrinks by it, if it can; without
   * one it compresses where that pays.
   */
  readonly level?: number | undefined;
  readonly download: RateLimit;
  readonly signal: AbortSignal;
  /** Other limits than `PULL_LIMITS`. */
  readonly limits?: Partial<PullLimits>;
}

export interface PullCounters {
  /** Bytes of frames that crossed the network, both headers and payloads, in both directions. */
  wireBytes: number;
  /** Chunks that crossed the network. */
  chunks: number;
}

/** Whose fault it is that a pull failed, as far as the receiver can tell. */
export type PullBlame = 'source' | 'target' | 'link';

/**
 * How a pull ended. `arrived`: every chunk was verified and written, and the sender has confirmed
 * that its image did not change meanwhile; making it durable is up to the caller.
 */
export type PullOutcome =
  | { readonly state: 'arrived'; readonly landing: Landing }
  | { readonly state: 'failed'; readonly blame: PullBlame; readonly error: KgetError };

/** A pull under way. */
export interface Pull {
  /** Counts while the pull runs. */
  readonly counters: PullCounters;
  /** Never rejects. */
  readonly outcome: Promise<PullOutcome>;
}
