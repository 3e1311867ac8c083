/** What machine images are made from, and what is kept of them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecipe } from '../src/machine-image/build/recipe.ts';
import {
  parseImageManifest,
  serialiseImageManifest,
  type MachineImage,
} from '../src/machine-image/image-manifest.ts';
import { inspectDisk } from '../src/machine-image/import/inspect-disk.ts';
import type { Trial } from './target.ts';

export function recipeSamples(): Buffer[] {
  return ['tiny', 'debian'].map((name) =>
    readFileSync(join(import.meta.dirname, `../recipes/${name}/recipe.yaml`)),
  );
}

export function tryRecipe(input: Buffer): void {
  try {
    const recipe = parseRecipe({ text: input.toString('utf8'), file: 'recipe.yaml' });
    assert.ok(recipe.sizeBytes > 0 && recipe.sizeBytes % 1024 ** 2 === 0);
  } catch (error) {
    assert.match(error instanceof Error ? error.message : '', /^recipe\.yaml:\d+:\d+: /);
    throw error;
  }
}

const IMAGE: Omit<MachineImage, 'schema'> = {
  id: 'ab'.repeat(32),
  name: 'tiny',
  arch: 'x86_64',
  format: 'qcow2',
  virtualSizeBytes: 268_435_456,
  boot: { kind: 'kernel', commandLine: 'console=ttyS0' },
  hasJobRunner: true,
  parts: [
    { role: 'disk', name: 'disk.qcow2', sizeBytes: 3_400_000, digest: 'cd'.repeat(32) },
    { role: 'kernel', name: 'vmlinuz', sizeBytes: 14_000_000, digest: 'ef'.repeat(32) },
    { role: 'initramfs', name: 'initramfs', sizeBytes: 1_300_000, digest: '01'.repeat(32) },
  ],
  builtAt: '2026-11-23T03:55:00.000Z',
  recipe: 'name: tiny\n',
};

export function imageSamples(): Buffer[] {
  const imported = { ...IMAGE, boot: { kind: 'disk' } as const, recipe: null, hasJobRunner: false };
  return [IMAGE, { ...imported, parts: IMAGE.parts.slice(0, 1) }].map((image) =>
    Buffer.from(serialiseImageManifest(image)),
  );
}

/** As `tryRecord`, of an image. */
export function tryImage(input: Buffer): void {
  const image = parseImageManifest({ text: input.toString('utf8'), file: 'x' });
  const text = serialiseImageManifest(image);
  assert.equal(serialiseImageManifest(parseImageManifest({ text, file: 'x' })), text);
}

const CLUSTER_BYTES = 512;

/** Small disks of qcow2, versions 2 and 3: a header, a table of the first level, one of the second. */
export function diskSamples(): Buffer[] {
  return [2, 3].map((version) => {
    const disk = Buffer.alloc(4 * CLUSTER_BYTES);
    disk.write('QFI\u00fb', 0, 'latin1');
    disk.writeUInt32BE(version, 4);
    disk.writeUInt32BE(9, 20);
    disk.writeBigUInt64BE(1_048_576n, 24);
    disk.writeUInt32BE(2, 36);
    disk.writeBigUInt64BE(BigInt(CLUSTER_BYTES), 40);
    disk.writeUInt32BE(4, 96);
    disk.writeUInt32BE(104, 100);
    disk.writeBigUInt64BE((1n << 63n) + BigInt(2 * CLUSTER_BYTES), CLUSTER_BYTES);
    disk.writeBigUInt64BE((1n << 63n) + BigInt(3 * CLUSTER_BYTES), 2 * CLUSTER_BYTES);
    disk.writeBigUInt64BE((1n << 62n) + BigInt(3 * CLUSTER_BYTES), 2 * CLUSTER_BYTES + 8);
    return disk;
  });
}

/** A disk that is imported has a size, and a format that is known; or it is refused. */
export async function tryDisk(input: Buffer, { file, dice }: Trial): Promise<void> {
  writeFileSync(file, input);
  const { format } = dice.pick([
    { format: undefined },
    { format: 'raw' },
    { format: 'qcow2' },
  ] as const);
  const wanted = { format, bootsByItself: dice.oneIn(2) };
  const { virtualSizeBytes } = await inspectDisk(file, wanted);
  assert.ok(Number.isSafeInteger(virtualSizeBytes) && virtualSizeBytes > 0);
}
