import { join } from 'node:path';

import { formatSize, parseSize } from '../src/base/units.ts';
import { ext4Image, incompressibleImage } from '../src/samples/images.ts';
import { ramImage } from '../src/samples/ram-image.ts';
import type { LabHost } from './layout.ts';
import { forEachLimited } from './tools.ts';

/** What the images of a lab's nodes are like. */
export type ImageSpec =
  | { readonly kind: 'incompressible'; readonly sizeBytes: number }
  | {
      readonly kind: 'ext4' | 'ram';
      readonly sizeBytes: number;
      /** The part of an image that no other has, 0 to 0.25. */
      readonly ownShare: number;
    };

const KINDS = ['incompressible', 'ext4', 'ram'] as const;
const DEFAULT_OWN = '2%';

/** What `ext4Image` has room for beside its base. */
const OWN_MAX_PERCENT = 25;

/**
 * Where the files of ext4 images come from. A file from each in turn gives a mix like an installed
 * Debian's at 64 MiB to 1 GiB: about half of it libraries, the rest programs and data.
 */
const BASE_DIRECTORIES = ['/usr/bin', '/usr/lib', '/usr/share'];

/** Images that are made at a time: mke2fs is a process of its own, and labs do with two cores. */
const IMAGES_AT_ONCE = 2;

/**
 * Reads `KIND:SIZE[:OWN]`: `incompressible:16MiB`, `ext4:256MiB:5%`, `ram:128MiB` (2 % own).
 * @throws Error with what was wanted
 */
export function parseImageSpec(text: string): ImageSpec {
  const wrong = (found: string, wanted: string): Error =>
    new Error(`Cannot read "${text}" as an image: found ${found}, wanted ${wanted}`);
  const [kindText, sizeText, ownText, ...others] = text.split(':');
  const kind = KINDS.find((each) => each === kindText);
  if (kind === undefined) throw wrong(`kind "${kindText}"`, 'incompressible, ext4 or ram');
  if (sizeText === undefined) throw wrong('no size', 'KIND:SIZE, e.g. ext4:256MiB');
  const sizeBytes = bytesOf(sizeText);
  if (sizeBytes === 0) throw wrong(`size "${sizeText}"`, 'e.g. 256MiB');
  if (others.length > 0) throw wrong(`"${others.join(':')}" at the end`, 'KIND:SIZE:OWN');
  if (kind === 'incompressible') {
    if (ownText !== undefined) throw wrong(`own part "${ownText}"`, 'none: all of it is its own');
    return { kind, sizeBytes };
  }
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(ownText ?? DEFAULT_OWN)?.[1]);
  if (percent <= OWN_MAX_PERCENT) return { kind, sizeBytes, ownShare: percent / 100 };
  throw wrong(`own part "${ownText}"`, `0% to ${OWN_MAX_PERCENT}%, e.g. 5%`);
}

/** `ext4 of 256 MiB, 5 % own`. */
export function describeImages(spec: ImageSpec): string {
  const image = `${spec.kind} of ${formatSize(spec.sizeBytes)}`;
  if (spec.kind === 'incompressible') return image;
  return `${image}, ${Number((spec.ownShare * 100).toFixed(2))} % own`;
}

/** Where a node's image lies, as this machine sees it; on the node it is `/labnode/disk.img`. */
export function imageOf(node: LabHost): string {
  return join(node.labnode, 'disk.img');
}

export interface LayOptions {
  /** Bytes of each node's image, in the order of the nodes; by default all are as specified. */
  readonly sizes?: readonly number[];
}

/**
 * Makes an image on every node, with an own part after the node's name, and a base that all share
 * at the same place; a larger image has more of it.
 * @throws Error if there are not as many sizes as nodes, or an image cannot be made
 */
export async function layImages(
  lab: { readonly nodes: readonly LabHost[] },
  spec: ImageSpec,
  options: LayOptions = {},
): Promise<void> {
  const { sizes = lab.nodes.map(() => spec.sizeBytes) } = options;
  if (sizes.length !== lab.nodes.length) {
    throw new Error(
      `Cannot lay images on ${lab.nodes.length} nodes: found ${sizes.length} sizes, wanted as many`,
    );
  }
  await forEachLimited([...lab.nodes.entries()], IMAGES_AT_ONCE, async ([index, node]) => {
    await makeImage(node, { ...spec, sizeBytes: sizes[index] ?? spec.sizeBytes });
  });
}

async function makeImage(node: LabHost, spec: ImageSpec): Promise<void> {
  const path = imageOf(node);
  const { kind, sizeBytes } = spec;
  if (kind === 'incompressible') return incompressibleImage(path, sizeBytes, node.name);
  const content = { sizeBytes, ownBytes: Math.floor(sizeBytes * spec.ownShare), seed: node.name };
  if (kind === 'ram') return ramImage(path, content);
  return ext4Image(path, { ...content, baseDirectories: BASE_DIRECTORIES });
}

/** Bytes of a size, or 0 if it is none. */
function bytesOf(text: string): number {
  try {
    return parseSize(text);
  } catch {
    return 0;
  }
}
