/** Every bound of the data plane, in one place; docs/protocol.md explains them. */

/** Most chunks in one image: positions fit in 32 bits. */
export const MAX_CHUNKS = 2 ** 32 - 1;
/**
 * Longest id of an image, in bytes of UTF-8: room for a path (PATH_MAX of Linux is 4096) and more.
 */
export const MAX_IMAGE_ID_BYTES = 8192;
/** Longest payload of a FAIL frame, in bytes. */
export const MAX_FAILURE_BYTES = 4096;

/** Digests asked for in one request, and in one INDEX frame. */
export const INDEX_BATCH = 1024;
/** Requests for digests that a receiver keeps outstanding. */
export const INDEX_BATCHES_AHEAD = 2;
/** Digests that a sender lets be outstanding. */
export const MAX_ASKED_DIGESTS = 4 * INDEX_BATCH;
/** While a scan goes on, digests are sent in groups of this many. */
export const INDEX_GROUP = 64;

/** Runs of chunks in one WANT frame. */
export const MAX_WANT_RUNS = 512;
/** Runs of chunks that a sender lets be outstanding. */
export const MAX_QUEUED_RUNS = 4096;
/** What a receiver has asked for and not yet received, at most (but always at least one chunk). */
export const WINDOW_BYTES = 8 * 1024 * 1024;
export const WINDOW_CHUNKS = 2048;
/** A receiver asks again when the window has this much free, or nothing is in flight. */
export const WINDOW_STEP_BYTES = 1024 * 1024;
/** Chunks that are known to be wanted, beyond which a receiver asks for no more digests. */
export const MAX_PENDING_CHUNKS = 2 * INDEX_BATCH;

/**
 * Chunks are gathered in blocks for one write: so many bytes of chunks, or one chunk if that is
 * larger. Half a mebibyte stays in a processor's cache from the read to the encryption.
 */
export const BLOCK_BYTES = 512 * 1024;
/**
 * What goes into the first block; later ones grow to the full size unless a rate limit holds them
 * up.
 */
export const FIRST_BLOCK_BYTES = 64 * 1024;
/** Blocks that wait for the socket on one connection. */
export const BLOCKS = 8;
/** Least size of the buffer that a receiver reads into. */
export const RECEIVE_BUFFER_BYTES = 1024 * 1024;
/** Size of the buffer that a sender collects requests in. */
export const REQUEST_BUFFER_BYTES = 64 * 1024;

/** What a transfer does without before it is given up, unless the user says otherwise. */
const STALL_MS = 15_000;
/** An ALIVE frame is sent when nothing else was for this long, or for a part of the stall limit. */
const HEARTBEAT_MS = 5_000;
const HEARTBEATS_IN_STALL = 3;
/** A receiver that waits for its own disk is left more time than a sender. */
const IDLE_STALLS = 4;

/** Waits and counts of the serving side. */
export interface ServeLimits {
  /** For the TLS handshake, and then for the first frame. */
  readonly handshakeMs: number;
  /** Without a byte from a receiver that is connected. */
  readonly idleMs: number;
  /** An ALIVE frame is sent when nothing else was for this long. */
  readonly heartbeatMs: number;
  /** For the last frame to reach a receiver that is being turned away. */
  readonly lingerMs: number;
  /** Of the run's agents. */
  readonly connections: number;
  /** Connections that have not proved yet to belong to the run. */
  readonly newcomers: number;
  readonly noticesPerMinute: number;
}

export const SERVE_LIMITS: ServeLimits = {
  handshakeMs: 10_000,
  lingerMs: 2_000,
  connections: 64,
  newcomers: 128,
  noticesPerMinute: 12,
  ...serveLimitsFor(STALL_MS),
};

/** Waits of the pulling side. */
export interface PullLimits {
  /** For the connection and the TLS handshake. */
  readonly connectMs: number;
  /** Without progress, though the sender could send: see docs/protocol.md. */
  readonly stallMs: number;
  /** An ALIVE frame is sent when nothing else was for this long. */
  readonly heartbeatMs: number;
}

export const PULL_LIMITS: PullLimits = {
  connectMs: 10_000,
  ...pullLimitsFor(STALL_MS),
};

/** The limits of the serving side that go with a stall limit. */
export function serveLimitsFor(stallMs: number): Pick<ServeLimits, 'idleMs' | 'heartbeatMs'> {
  return { idleMs: IDLE_STALLS * stallMs, heartbeatMs: heartbeatFor(stallMs) };
}

/** The limits of the pulling side that go with a stall limit. */
export function pullLimitsFor(stallMs: number): Pick<PullLimits, 'stallMs' | 'heartbeatMs'> {
  return { stallMs, heartbeatMs: heartbeatFor(stallMs) };
}

function heartbeatFor(stallMs: number): number {
  return Math.min(HEARTBEAT_MS, stallMs / HEARTBEATS_IN_STALL);
}
