import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { KgetError } from '../../base/error.ts';
import { parseXml } from './parse-xml.ts';
import { formatXml, type XmlElement } from './xml.ts';

/**
 * libvirt's file of a machine's memory (virQEMUSaveHeader in qemu_saveimage.h): a header of 92
 * bytes in the order of the host, `dataBytes` with the domain's XML, a zero, perhaps a cookie and
 * padding, then what QEMU wrote.
 */
const MAGIC = 'LibvirtQemudSave';
const VERSION = 2;
const HEADER_BYTES = 92;
const VERSION_AT = 16;
const DATA_BYTES_AT = 20;
const WAS_RUNNING_AT = 24;
const COMPRESSED_AT = 28;
const COOKIE_AT = 32;

/** Domains are some KiB; libvirt pads with 64 KiB. */
const MAX_DATA_BYTES = 16 * 2 ** 20;

export interface SaveImage {
  readonly domain: XmlElement;
  /** Where what QEMU wrote begins. */
  readonly stateAt: number;
}

/** Reads the beginning of a save image. @throws KgetError `corrupt` if it is none, or compressed */
export async function readSaveImage(path: string): Promise<SaveImage> {
  await using file = await open(path, 'r').catch((cause: unknown) => {
    throw new KgetError('corrupt', `Cannot read ${path} as saved memory: ${String(cause)}`, {
      cause,
    });
  });
  const header = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
  const found =
    bytesRead < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC
      ? 'it is not what libvirt saves'
      : faultOf(header);
  if (found !== undefined) throw noImage(path, found);
  const dataBytes = header.readUInt32LE(DATA_BYTES_AT);
  const data = Buffer.alloc(dataBytes);
  const got = await file.read(data, 0, dataBytes, HEADER_BYTES);
  const { size } = await file.stat();
  const stateAt = HEADER_BYTES + dataBytes;
  if (got.bytesRead < dataBytes || size <= stateAt) throw noImage(path, 'it is cut short');
  const zero = data.indexOf(0);
  const text = data.toString('utf8', 0, zero < 0 ? dataBytes : zero);
  return { domain: parseXml(text), stateAt };
}

/** Writes a save image with the state of another and a domain of its own; it is paused. */
export async function writeSaveImage(
  path: string,
  from: { readonly path: string; readonly image: SaveImage },
  domain: XmlElement,
): Promise<void> {
  const data = Buffer.from(`${formatXml(domain)}\0`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(VERSION, VERSION_AT);
  header.writeUInt32LE(data.length, DATA_BYTES_AT);
  header.writeUInt32LE(0, WAS_RUNNING_AT);
  header.writeUInt32LE(0, COMPRESSED_AT);
  header.writeUInt32LE(0, COOKIE_AT);
  const into = createWriteStream(path, { mode: 0o600 });
  into.write(header);
  into.write(data);
  await pipeline(createReadStream(from.path, { start: from.image.stateAt }), into);
}

function faultOf(header: Buffer): string | undefined {
  const version = header.readUInt32LE(VERSION_AT);
  if (version !== VERSION) return `it is of version ${version}, wanted ${VERSION}`;
  if (header.readUInt32LE(COMPRESSED_AT) !== 0) return 'it is compressed, wanted raw';
  if (header.readUInt32LE(DATA_BYTES_AT) > MAX_DATA_BYTES) return 'its description is too long';
  return undefined;
}

function noImage(path: string, found: string): KgetError {
  return new KgetError('corrupt', `Cannot read ${path} as saved memory: ${found}`);
}
