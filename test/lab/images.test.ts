import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';

import { describeImages, imageOf, layImages, parseImageSpec } from '../../lab/images.ts';
import { layOut } from '../../lab/layout.ts';
import type { LabHost } from '../../lab/layout.ts';
import { findTool } from '../../lab/tools.ts';
import { findMke2fs } from '../../src/samples/images.ts';

const MIB = 1024 * 1024;
const PAGE_BYTES = 4096;

const folder = mkdtempSync(join(tmpdir(), 'kgetplus-lab-images-'));
after(() => {
  rmSync(folder, { recursive: true });
});

void suite('`parseImageSpec`', () => {
  for (const [text, spec, words] of [
    [
      'incompressible:16MiB',
      { kind: 'incompressible', sizeBytes: 16 * MIB },
      'incompressible of 16.0 MiB',
    ],
    [
      'ext4:256MiB:5%',
      { kind: 'ext4', sizeBytes: 256 * MIB, ownShare: 0.05 },
      'ext4 of 256 MiB, 5 % own',
    ],
    ['ram:128M', { kind: 'ram', sizeBytes: 128 * MIB, ownShare: 0.02 }, 'ram of 128 MiB, 2 % own'],
    [
      'ram:1GiB:0.5%',
      { kind: 'ram', sizeBytes: 1024 * MIB, ownShare: 0.005 },
      'ram of 1.00 GiB, 0.5 % own',
    ],
  ] as const) {
    void test(`reads ${text}`, () => {
      assert.deepEqual(parseImageSpec(text), spec);
      assert.equal(describeImages(spec), words);
    });
  }

  for (const [text, rest] of [
    ['', 'found kind "", wanted incompressible, ext4 or ram'],
    ['xfs:1GiB', 'found kind "xfs", wanted incompressible, ext4 or ram'],
    ['ext4', 'found no size, wanted KIND:SIZE, e.g. ext4:256MiB'],
    ['ext4:many', 'found size "many", wanted e.g. 256MiB'],
    ['ram:0MiB', 'found size "0MiB", wanted e.g. 256MiB'],
    ['ext4:64MiB:5', 'found own part "5", wanted 0% to 25%, e.g. 5%'],
    ['ext4:64MiB:26%', 'found own part "26%", wanted 0% to 25%, e.g. 5%'],
    ['ram:64MiB:', 'found own part "", wanted 0% to 25%, e.g. 5%'],
    ['ram:64MiB:5%:x', 'found "x" at the end, wanted KIND:SIZE:OWN'],
    ['incompressible:64MiB:5%', 'found own part "5%", wanted none: all of it is its own'],
  ] as const) {
    void test(`says what it wants when it reads "${text}"`, () => {
      const message = `Cannot read "${text}" as an image: ${rest}`;
      assert.throws(() => parseImageSpec(text), { message });
    });
  }
});

void suite('`layImages`', () => {
  void test('gives every node noise of its own', async () => {
    const nodes = makeNodes('noise');
    await layImages({ nodes }, parseImageSpec('incompressible:1MiB'));
    assert.deepEqual(
      nodes.map((node) => statSync(imageOf(node)).size),
      [MIB, MIB, MIB],
    );
    assert.ok(equalPages(nodes) === 0);
  });

  void test('gives every node memory with a part of its own', async () => {
    const nodes = makeNodes('ram');
    await layImages({ nodes }, parseImageSpec('ram:4MiB:25%'));
    const equal = equalPages(nodes);
    assert.ok(equal >= 0.5 && equal < 0.75, `${equal} of the pages are equal`);
  });

  void test('gives images the sizes that are asked for', async () => {
    const nodes = makeNodes('sizes');
    const sizes = [3 * MIB, MIB, 2 * MIB + 1];
    await layImages({ nodes }, parseImageSpec('ram:1MiB'), { sizes });
    assert.deepEqual(
      nodes.map((node) => statSync(imageOf(node)).size),
      sizes,
    );
    const wrong = layImages({ nodes }, parseImageSpec('ram:1MiB'), { sizes: [MIB] });
    await assert.rejects(wrong, /Cannot lay images on 3 nodes: found 1 sizes, wanted as many/);
  });

  const skip = findMke2fs() === undefined && 'mke2fs not found: apt-get install e2fsprogs';
  void test('makes sound ext4 images with a base that they share', { skip }, async () => {
    const nodes = makeNodes('ext4');
    await layImages({ nodes }, parseImageSpec('ext4:64MiB:5%'));
    const equal = equalPages(nodes);
    // Each image has 5 % of its own, and inode tables with times.
    assert.ok(equal > 0.9 && equal < 0.95, `${equal} of the pages are equal`);
    for (const node of nodes) {
      const checked = spawnSync(findTool('e2fsck') ?? 'e2fsck', ['-fn', imageOf(node)]);
      assert.equal(checked.status, 0, String(checked.stdout));
    }
  });

  void test('has ext4 images of all sizes share their base', { skip }, async () => {
    const nodes = makeNodes('grown');
    const sizes = [48, 64, 160].map((size) => size * MIB);
    await layImages({ nodes }, parseImageSpec('ext4:64MiB'), { sizes });
    // Of 48 MiB, 29 are files of the base; where they end, the larger image has more of them.
    for (const pair of [nodes, nodes.toSpliced(1, 1)]) {
      const equal = equalPages(pair);
      assert.ok(equal > 0.6, `${equal} of the pages are equal`);
    }
  });
});

/** Nodes of a lab that is not brought up. */
function makeNodes(name: string): readonly LabHost[] {
  const directory = join(folder, name);
  const { nodes } = layOut({
    name,
    nodes: 3,
    racks: undefined,
    rate: '40mbit',
    frontendRate: '40mbit',
    ownerPid: process.pid,
    createdAt: '2026-01-01T00:00:00Z',
    registry: directory,
    directory,
  });
  for (const node of nodes) mkdirSync(node.labnode, { recursive: true });
  return nodes;
}

/** The part of the pages of the first node's image that the second node's has at that place. */
function equalPages(nodes: readonly LabHost[]): number {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = nodes.map((node) =>
    readFileSync(imageOf(node)),
  );
  let equal = 0;
  for (let at = 0; at < first.length; at += PAGE_BYTES) {
    const page = first.subarray(at, at + PAGE_BYTES);
    if (page.equals(second.subarray(at, at + PAGE_BYTES))) equal += 1;
  }
  return equal / Math.ceil(first.length / PAGE_BYTES);
}
