/** What of a qcow2 file's header tells of other files. Source: qemu's docs/interop/qcow2.txt. */
const MAGIC = Buffer.from('QFI\u00fb', 'latin1');

/** Incompatible feature bit 2: the data is in an external file. */
const EXTERNAL_DATA = 4n;

/** Bytes of a header of version 3 that are looked at. */
export const QCOW2_HEAD_BYTES = 104;

/**
 * What keeps a qcow2 file from being a disk by itself, as the end of a sentence; undefined if
 * nothing does. `head` are its first bytes, `QCOW2_HEAD_BYTES` if it has as many.
 */
export function qcow2Dependency(head: Buffer): string | undefined {
  if (head.length < QCOW2_HEAD_BYTES || !head.subarray(0, 4).equals(MAGIC)) {
    return 'it is called so, but is no qcow2 file';
  }
  if (head.readBigUInt64BE(8) !== 0n) return 'it needs its backing file';
  const isVersion3 = head.readUInt32BE(4) >= 3;
  if (isVersion3 && (head.readBigUInt64BE(72) & EXTERNAL_DATA) !== 0n) {
    return 'its data is in another file';
  }
  return undefined;
}
