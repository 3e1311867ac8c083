import {
  CLIENT_FLAGS_BYTES,
  OPTION_HEADER_BYTES,
  readClientFlags,
  readInfoRequest,
  readMetaContextRequest,
  readName,
  readOptionHeader,
} from '../src/nbd/option-data.ts';
import { payloadBytes, readRequest, refusal, REQUEST_BYTES } from '../src/nbd/request.ts';

/** Sources: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md */
const OPTIONS = [
  '00000003',
  '49484156454f50540000000700000012',
  '0000000464697363000200000003',
  '00000004646973630000000100000010626173653a616c6c6f636174696f6e',
  '6469736b2f6e616d65',
];

const REQUESTS = [
  '2560951300000000000000000000000100000000000010000000800000',
  '25609513000000010000000000000002000000000000000000001000',
  '25609513000800070000000000000003000000000000000000400000',
];

export function optionSamples(): Buffer[] {
  return OPTIONS.map((hex) => Buffer.from(hex, 'hex'));
}

export function requestSamples(): Buffer[] {
  return REQUESTS.map((hex) => Buffer.from(hex, 'hex'));
}

/** Whatever a client negotiates with: its flags, the head of an option, and the data of one. */
export function tryOption(input: Buffer): void {
  readInfoRequest(input);
  readMetaContextRequest(input);
  readName(input);
  if (input.length >= OPTION_HEADER_BYTES) readOptionHeader(input);
  if (input.length === CLIENT_FLAGS_BYTES) readClientFlags(input);
}

export function tryRequest(input: Buffer): void {
  const request = readRequest(Buffer.concat([input, Buffer.alloc(REQUEST_BYTES)]));
  payloadBytes(request);
  for (const replies of ['simple', 'structured'] as const) {
    refusal(request, { sizeBytes: 1_000_000, replies, hasAllocation: replies === 'structured' });
  }
}
