import { KgetError } from '../base/error.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';
import { Command, CommandFlag, NbdError, REQUEST_MAGIC } from './protocol.ts';

/** Magic u32, flags u16, type u16, cookie u64, offset u64, length u32. */
export const REQUEST_BYTES = 28;

export interface Request {
  readonly flags: number;
  readonly type: number;
  /** Eight bytes that come back with the reply; opaque. */
  readonly cookie: Buffer;
  /** Not exact from 2^53 on, where no disk reaches. */
  readonly offset: number;
  readonly lengthBytes: number;
}

/** @throws KgetError `protocol` if it is none, or a WRITE with more payload than can be skipped */
export function readRequest(bytes: Buffer): Request {
  const magic = bytes.readUInt32BE(0);
  if (magic !== REQUEST_MAGIC) {
    const found = `0x${magic.toString(16)}`;
    throw new KgetError('protocol', `Cannot read a request: it begins with ${found}`);
  }
  const type = bytes.readUInt16BE(6);
  const lengthBytes = bytes.readUInt32BE(24);
  if (type === Command.write && lengthBytes > MAX_REQUEST_BYTES) {
    throw new KgetError(
      'protocol',
      `Cannot skip what a client writes: ${lengthBytes} B, at most ${MAX_REQUEST_BYTES} B allowed`,
    );
  }
  return {
    flags: bytes.readUInt16BE(4),
    type,
    cookie: bytes.subarray(8, 16),
    offset: bytes.readUInt32BE(16) * 2 ** 32 + bytes.readUInt32BE(20),
    lengthBytes,
  };
}

/** Bytes that follow a request. */
export function payloadBytes(request: Request): number {
  return request.type === Command.write ? request.lengthBytes : 0;
}

export interface Refusal {
  readonly error: NbdError;
  readonly message: string;
}

/** What was negotiated, as far as requests depend on it. */
export interface Agreement {
  readonly sizeBytes: number;
  readonly replies: 'simple' | 'structured';
  /** Whether `base:allocation` was selected for this export. */
  readonly hasAllocation: boolean;
}

/** Why a request cannot be answered, if so. */
export function refusal(request: Request, agreement: Agreement): Refusal | undefined {
  switch (request.type) {
    case Command.read: {
      const flags = agreement.replies === 'structured' ? CommandFlag.dontFragment : 0;
      if (request.lengthBytes > MAX_REQUEST_BYTES) {
        return invalid(`Reads of more than ${MAX_REQUEST_BYTES} B are not allowed`);
      }
      return flagRefusal(request, flags) ?? rangeRefusal(request, agreement);
    }
    case Command.blockStatus:
      if (!agreement.hasAllocation) return invalid('No metadata context was selected');
      if (request.lengthBytes === 0) return invalid('The range is empty');
      return flagRefusal(request, CommandFlag.requestOne) ?? rangeRefusal(request, agreement);
    case Command.write:
    case Command.trim:
    case Command.writeZeroes:
      return { error: NbdError.notPermitted, message: 'The export is read-only' };
    default:
      return invalid(`Command ${request.type} is not offered`);
  }
}

function flagRefusal({ flags }: Request, allowed: number): Refusal | undefined {
  if ((flags & ~allowed) === 0) return undefined;
  return invalid(`Flags 0x${flags.toString(16)} are not allowed with this command`);
}

function rangeRefusal(request: Request, { sizeBytes }: Agreement): Refusal | undefined {
  if (request.offset + request.lengthBytes <= sizeBytes) return undefined;
  return invalid(`The range ends behind the export, which has ${sizeBytes} B`);
}

function invalid(message: string): Refusal {
  return { error: NbdError.invalid, message };
}
