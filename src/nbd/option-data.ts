import { KgetError } from '../base/error.ts';
import { MAX_OPTION_BYTES, MAX_STRING_BYTES } from './limits.ts';
import { HandshakeFlag, OPTION_MAGIC, OptionError } from './protocol.ts';

/** Magic u64, option u32, length u32. */
export const OPTION_HEADER_BYTES = 16;
export const CLIENT_FLAGS_BYTES = 4;

const KNOWN_CLIENT_FLAGS = HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes;

export interface ClientFlags {
  readonly isFixedNewstyle: boolean;
  readonly wantsNoZeroes: boolean;
}

/** @throws KgetError `protocol` for flags that the server did not offer */
export function readClientFlags(bytes: Buffer): ClientFlags {
  const flags = bytes.readUInt32BE(0);
  if ((flags & ~KNOWN_CLIENT_FLAGS) !== 0) {
    const found = `0x${flags.toString(16)}`;
    throw new KgetError('protocol', `Cannot agree on handshake flags: client set ${found}`);
  }
  return {
    isFixedNewstyle: (flags & HandshakeFlag.fixedNewstyle) !== 0,
    wantsNoZeroes: (flags & HandshakeFlag.noZeroes) !== 0,
  };
}

export interface OptionHeader {
  readonly option: number;
  readonly dataBytes: number;
}

/** @throws KgetError `protocol` if it is none, or announces too much data */
export function readOptionHeader(bytes: Buffer): OptionHeader {
  if (!bytes.subarray(0, OPTION_MAGIC.length).equals(OPTION_MAGIC)) {
    throw new KgetError('protocol', 'Cannot read an option: it does not begin with IHAVEOPT');
  }
  const option = bytes.readUInt32BE(8);
  const dataBytes = bytes.readUInt32BE(12);
  if (dataBytes > MAX_OPTION_BYTES) {
    throw new KgetError(
      'protocol',
      `Cannot read option ${option}: ${dataBytes} B announced, at most ${MAX_OPTION_BYTES} B allowed`,
    );
  }
  return { option, dataBytes };
}

/** What the data of an option says, or the error to answer with. */
export type Decoded<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'refused'; readonly error: OptionError; readonly message: string };

export interface InfoRequest {
  readonly name: string;
  /** The kinds of information that are asked for. */
  readonly types: ReadonlySet<number>;
}

/** The data of INFO and GO: length u32, name, count u16, types u16. */
export function readInfoRequest(data: Buffer): Decoded<InfoRequest> {
  const name = readString(data, 0);
  if (name.kind === 'refused') return name;
  const { text, end } = name.value;
  if (data.length < end + 2) return malformed('the number of its requests is missing');
  const count = data.readUInt16BE(end);
  if (data.length !== end + 2 + 2 * count) return malformed(`it announces ${count} requests`);
  const types = new Set<number>();
  for (let index = 0; index < count; index += 1) types.add(data.readUInt16BE(end + 2 + 2 * index));
  return { kind: 'value', value: { name: text, types } };
}

export interface MetaContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

/** The data of the two options about contexts: length u32, name, count u32, (length u32, query)*. */
export function readMetaContextRequest(data: Buffer): Decoded<MetaContextRequest> {
  const name = readString(data, 0);
  if (name.kind === 'refused') return name;
  let { end } = name.value;
  if (data.length < end + 4) return malformed('the number of its queries is missing');
  const count = data.readUInt32BE(end);
  end += 4;
  if (data.length < end + 4 * count) return malformed(`it announces ${count} queries`);
  const queries: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const query = readString(data, end);
    if (query.kind === 'refused') return query;
    queries.push(query.value.text);
    end = query.value.end;
  }
  if (end !== data.length) return malformed(`${data.length - end} B follow its queries`);
  return { kind: 'value', value: { name: name.value.text, queries } };
}

/** The whole data of EXPORT_NAME. */
export function readName(data: Buffer): Decoded<string> {
  if (data.length > MAX_STRING_BYTES) {
    const message = `A string of ${data.length} B is longer than ${MAX_STRING_BYTES} B`;
    return { kind: 'refused', error: OptionError.tooBig, message };
  }
  try {
    // Without `ignoreBOM` a name that begins with one would be another.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { kind: 'value', value: decoder.decode(data) };
  } catch {
    return malformed('a string is not UTF-8');
  }
}

/** A string with its length u32 before it, and where it ends. */
function readString(data: Buffer, offset: number): Decoded<{ text: string; end: number }> {
  if (data.length < offset + 4) return malformed('the length of a string is missing');
  const end = offset + 4 + data.readUInt32BE(offset);
  if (end > data.length) return malformed('a string is longer than the data');
  const text = readName(data.subarray(offset + 4, end));
  return text.kind === 'refused' ? text : { kind: 'value', value: { text: text.value, end } };
}

function malformed(what: string): Decoded<never> {
  return {
    kind: 'refused',
    error: OptionError.invalid,
    message: `The option is malformed: ${what}`,
  };
}
