/**
 * Numbers of the NBD protocol. Source of all that this folder knows of it: doc/proto.md of
 * https://github.com/NetworkBlockDevice/nbd. All numbers on the wire are big-endian.
 */

/** `NBDMAGIC`, `IHAVEOPT`: what the server says first. */
export const GREETING_MAGIC = Buffer.from('NBDMAGICIHAVEOPT');
export const OPTION_MAGIC = Buffer.from('IHAVEOPT');
export const OPTION_REPLY_MAGIC = Buffer.from('0003e889045565a9', 'hex');
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** Of the server and, with the same values, of the client. */
export const HandshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const TransmissionFlag = {
  hasFlags: 1,
  readOnly: 1 << 1,
  sendDontFragment: 1 << 7,
  canMultiConnection: 1 << 8,
} as const;

export const OptionType = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

export const OptionReply = { acknowledge: 1, server: 2, info: 3, metaContext: 4 } as const;

const OPTION_ERROR = 2 ** 31;

export const OptionError = {
  unsupported: OPTION_ERROR + 1,
  policy: OPTION_ERROR + 2,
  invalid: OPTION_ERROR + 3,
  tlsRequired: OPTION_ERROR + 5,
  unknown: OPTION_ERROR + 6,
  tooBig: OPTION_ERROR + 9,
} as const;

export type OptionError = (typeof OptionError)[keyof typeof OptionError];

export const InfoType = { export: 0, name: 1, blockSize: 3 } as const;

export const ALLOCATION_CONTEXT = 'base:allocation';
/** Asks which contexts of the namespace there are. */
export const BASE_WILDCARD = 'base:';
/** Our number for it; only one context can be selected. */
export const ALLOCATION_CONTEXT_ID = 1;

/** Flags of an extent in `base:allocation`. */
export const ExtentFlag = { hole: 1, zero: 2 } as const;

export const Command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const CommandFlag = { dontFragment: 1 << 2, requestOne: 1 << 3 } as const;

export const ReplyFlag = { done: 1 } as const;

export const ReplyType = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  error: 2 ** 15 + 1,
  errorOffset: 2 ** 15 + 2,
} as const;

export const NbdError = { notPermitted: 1, inputOutput: 5, invalid: 22 } as const;

export type NbdError = (typeof NbdError)[keyof typeof NbdError];
