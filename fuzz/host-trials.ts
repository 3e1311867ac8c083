/** What programs and the kernel of a host say of its files and links; and headers of disks. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { linkRate } from '../src/agent/link-rate.ts';
import { KgetError } from '../src/base/error.ts';
import { type Extent, readExtents, runsOfExtents } from '../src/content/extent-lines.ts';
import { QCOW2_HEAD_BYTES, qcow2Dependency } from '../src/restore/qcow2-header.ts';
import { piecesOf } from './pieces.ts';
import type { Trial } from './target.ts';

const SHAPE = { sizeBytes: 1_000_000, chunkSizeBytes: 4096 };
const CHUNKS = Math.ceil(SHAPE.sizeBytes / SHAPE.chunkSizeBytes);

export function extentSamples(): Buffer[] {
  return [
    '0 4096\n8192 12288\n999424 1000000\nend\n',
    'end\n',
    '0 1000000\nend\n',
    '0 1\n4095 4097\n500000 600000\n',
    '0 4096\n1000000 9007199254740992\nend\n',
  ].map((text) => Buffer.from(text));
}

/** What a program has named as data is in a run; after a list that broke off, so is all the rest. */
export async function tryExtents(input: Buffer, { dice }: Trial): Promise<void> {
  const named: Extent[] = [];
  let isComplete = false;
  const pieces = piecesOf(input, dice).map((piece) => piece.toString('latin1'));
  async function* noted(): AsyncGenerator<Extent | 'end', void, void> {
    for await (const extent of readExtents(Readable.from(pieces))) {
      if (extent === 'end') isComplete = true;
      else named.push(extent);
      yield extent;
    }
  }
  const covered = new Set<number>();
  let end = -1;
  for await (const { first, count } of runsOfExtents([noted()], SHAPE)) {
    assert.ok(first > end && count > 0 && first + count <= CHUNKS, 'runs are out of order');
    end = first + count;
    for (let chunk = first; chunk < end; chunk += 1) covered.add(chunk);
  }
  for (const { start, end: stop } of named) {
    const last = Math.min(CHUNKS, Math.ceil(stop / SHAPE.chunkSizeBytes));
    for (let chunk = Math.floor(start / SHAPE.chunkSizeBytes); chunk < last; chunk += 1) {
      assert.ok(covered.has(chunk), `chunk ${chunk} has data`);
    }
  }
  if (isComplete) return;
  const known = Math.floor(
    Math.max(0, ...named.map((extent) => extent.end)) / SHAPE.chunkSizeBytes,
  );
  for (let chunk = known; chunk < CHUNKS; chunk += 1) assert.ok(covered.has(chunk));
  throw new KgetError('corrupt', 'the list broke off');
}

export function speedSamples(): Buffer[] {
  return ['10000\n', '1000\n', '-1\n', '', '25000', '0\n'].map((text) => Buffer.from(text));
}

/** The rate of a link is one that a message can hold, or is not known. */
export function trySpeed(input: Buffer, { file }: Trial): void {
  const directory = `${file}-net`;
  const device = join(directory, 'eth0', 'device');
  mkdirSync(device, { recursive: true });
  rmSync(join(device, 'driver'), { force: true });
  symlinkSync('/drivers/ixgbe', join(device, 'driver'));
  writeFileSync(join(directory, 'eth0', 'speed'), input);
  const rate = linkRate('10.0.0.1', { interfaces: new Map([['eth0', ['10.0.0.1']]]), directory });
  if (rate === null) throw new KgetError('corrupt', 'it is not known');
  const sent = JSON.parse(JSON.stringify(rate)) as unknown;
  assert.ok(sent === null || (typeof sent === 'number' && sent > 0));
}

export function qcow2Samples(): Buffer[] {
  const head = Buffer.alloc(QCOW2_HEAD_BYTES);
  head.write('QFI\u00fb', 'latin1');
  head.writeUInt32BE(3, 4);
  const backed = Buffer.from(head);
  backed.writeBigUInt64BE(512n, 8);
  const external = Buffer.from(head);
  external.writeBigUInt64BE(4n, 72);
  const old = Buffer.from(head);
  old.writeUInt32BE(2, 4);
  return [head, backed, external, old];
}

/** Whether a disk needs other files is known of any bytes. */
export function tryQcow2(input: Buffer): void {
  const dependency = qcow2Dependency(input.subarray(0, QCOW2_HEAD_BYTES));
  if (dependency !== undefined) throw new KgetError('usage', dependency);
  assert.equal(input.readBigUInt64BE(8), 0n);
}
