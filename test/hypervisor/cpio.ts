/** A file of an archive; `mode` as stat(2) has it. */
export interface CpioEntry {
  readonly path: string;
  readonly mode: number;
  readonly data: Buffer;
}

const ALIGNMENT = 4;

/** An archive as Linux unpacks it for an initramfs (Documentation/driver-api/early-userspace). */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const last = { path: 'TRAILER!!!', mode: 0, data: Buffer.of() };
  return Buffer.concat([...entries, last].flatMap(member));
}

function member({ path, mode, data }: CpioEntry, index: number): Buffer[] {
  const links = 1;
  const numbers = [index + 1, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, path.length + 1, 0];
  const fields = numbers.map((it) => it.toString(16).toUpperCase().padStart(8, '0'));
  return [padded(Buffer.from(`070701${fields.join('')}${path}\0`)), padded(data)];
}

function padded(data: Buffer): Buffer {
  const missing = (ALIGNMENT - (data.length % ALIGNMENT)) % ALIGNMENT;
  return Buffer.concat([data, Buffer.alloc(missing)]);
}
