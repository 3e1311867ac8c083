import { MAX_REQUEST_BYTES } from './limits.ts';
import {
  ALLOCATION_CONTEXT,
  GREETING_MAGIC,
  HandshakeFlag,
  InfoType,
  OPTION_REPLY_MAGIC,
  OptionReply,
  TransmissionFlag,
  type OptionError,
} from './protocol.ts';

/** Magic u64, option u32, type u32, length u32. */
const REPLY_HEADER_BYTES = 20;
/** After the reply to EXPORT_NAME, for clients that do not refuse them. */
const EXPORT_NAME_ZEROES = 124;

/** What describes a disk to a client. */
export interface ExportFacts {
  readonly name: string;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly transmissionFlags: number;
}

/** The first words of the server. */
export function encodeGreeting(): Buffer {
  const flags = Buffer.alloc(2);
  flags.writeUInt16BE(HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes);
  return Buffer.concat([GREETING_MAGIC, flags]);
}

/** DF may only be offered together with structured replies. */
export function transmissionFlags(replies: 'simple' | 'structured'): number {
  const always =
    TransmissionFlag.hasFlags | TransmissionFlag.readOnly | TransmissionFlag.canMultiConnection;
  return replies === 'structured' ? always | TransmissionFlag.sendDontFragment : always;
}

function encodeOptionReply(option: number, type: number, data?: Uint8Array): Buffer {
  const dataBytes = data?.length ?? 0;
  const reply = Buffer.alloc(REPLY_HEADER_BYTES + dataBytes);
  OPTION_REPLY_MAGIC.copy(reply);
  reply.writeUInt32BE(option, 8);
  reply.writeUInt32BE(type, 12);
  reply.writeUInt32BE(dataBytes, 16);
  if (data !== undefined) reply.set(data, REPLY_HEADER_BYTES);
  return reply;
}

export function encodeAcknowledge(option: number): Buffer {
  return encodeOptionReply(option, OptionReply.acknowledge);
}

export function encodeOptionError(option: number, error: OptionError, message: string): Buffer {
  return encodeOptionReply(option, error, Buffer.from(message));
}

/** One entry of a list of exports. */
export function encodeServer(option: number, name: string): Buffer {
  const bytes = Buffer.from(name);
  const data = Buffer.alloc(4 + bytes.length);
  data.writeUInt32BE(bytes.length);
  data.set(bytes, 4);
  return encodeOptionReply(option, OptionReply.server, data);
}

/** The one context that there is, under the number that is to stand for it. */
export function encodeMetaContext(option: number, contextId: number): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(contextId);
  const data = Buffer.concat([id, Buffer.from(ALLOCATION_CONTEXT)]);
  return encodeOptionReply(option, OptionReply.metaContext, data);
}

/** What INFO and GO tell: always size and flags, name and block size if they are wanted. */
export function encodeInfos(
  option: number,
  facts: ExportFacts,
  types: ReadonlySet<number>,
): Buffer[] {
  const infos = [info(InfoType.export, encodeSize(facts))];
  if (types.has(InfoType.name)) infos.push(info(InfoType.name, Buffer.from(facts.name)));
  if (types.has(InfoType.blockSize)) {
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32BE(1, 0);
    sizes.writeUInt32BE(facts.blockBytes, 4);
    sizes.writeUInt32BE(MAX_REQUEST_BYTES, 8);
    infos.push(info(InfoType.blockSize, sizes));
  }
  return infos.map((data) => encodeOptionReply(option, OptionReply.info, data));
}

/** The answer to EXPORT_NAME, which has a form of its own. */
export function encodeExportName(facts: ExportFacts, zeroes: 'zeroes' | 'no-zeroes'): Buffer {
  const padding = Buffer.alloc(zeroes === 'zeroes' ? EXPORT_NAME_ZEROES : 0);
  return Buffer.concat([encodeSize(facts), padding]);
}

function encodeSize(facts: ExportFacts): Buffer {
  const data = Buffer.alloc(10);
  data.writeBigUInt64BE(BigInt(facts.sizeBytes));
  data.writeUInt16BE(facts.transmissionFlags, 8);
  return data;
}

function info(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(type);
  return Buffer.concat([head, data]);
}
