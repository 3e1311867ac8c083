/** Every bound of the server, in one place; docs/nbd.md explains them. */

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** Longest string of the protocol in bytes of UTF-8, names of exports included (proto.md). */
export const MAX_STRING_BYTES = 4096;
/** Longest data of one option: a name, and more queries than any client sends. */
export const MAX_OPTION_BYTES = 64 * KIBIBYTE;
/** Exports that one LIST names. */
export const MAX_LISTED_EXPORTS = 10_000;

/**
 * Longest READ, which clients are told, and longest payload of a WRITE that is skipped. The
 * protocol wants that much to be accepted (proto.md, "Block size constraints").
 */
export const MAX_REQUEST_BYTES = 32 * MEBIBYTE;
/** Longer reads are split at multiples of this, or of the disk's block if that is larger. */
export const PIECE_BYTES = MEBIBYTE;
/** Pieces of one read that are read at the same time. */
export const PIECES_AHEAD = 4;
/** The range of which extents are asked for at once. */
export const MAX_EXTENTS_RANGE_BYTES = 256 * MEBIBYTE;
/** Extents in one reply about block status; clients ask again from where it ends. */
export const MAX_STATUS_EXTENTS = 8192;
/** Bytes of a payload that nobody wants, read at once. */
export const SKIP_BYTES = 64 * KIBIBYTE;

/** Longest path of a Unix socket: 108 B with the closing zero (Linux, unix(7)). */
export const MAX_SOCKET_PATH_BYTES = 107;

/** Waits and counts of the server. */
export interface NbdLimits {
  readonly connections: number;
  /** From the first byte until the client reads its disk, TLS included. */
  readonly handshakeMs: number;
  /** For the last replies to reach a client that says goodbye. */
  readonly lingerMs: number;
  /** A silent TCP connection is probed after this long; the system gives it up if it is dead. */
  readonly keepAliveMs: number;
  /** Requests of one connection that are being answered; further ones wait in the socket. */
  readonly requestsInFlight: number;
  /** Bytes that these ask for, at most; but always at least one request. */
  readonly bytesInFlight: number;
}

export const NBD_LIMITS: NbdLimits = {
  connections: 64,
  handshakeMs: 30_000,
  lingerMs: 10_000,
  keepAliveMs: 60_000,
  requestsInFlight: 16,
  bytesInFlight: 32 * MEBIBYTE,
};
