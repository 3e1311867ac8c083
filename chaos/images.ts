import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { forEachLimited } from '../lab/tools.ts';
import type { Lab } from '../lab/lab.ts';
import { diskLikeImage, incompressibleImage } from '../src/samples/images.ts';
import type { SampleImage, Scenario } from './scenario.ts';

/** Where nodes have their images, as they see it. */
export const IMAGES = '/labnode/images';

const MADE_AT_ONCE = 4;
/** The part of a sparse image that is its own. */
const OWN_SHARE = 0.2;

/** An image as it was before the round. */
export interface SourceImage {
  readonly node: string;
  readonly name: string;
  /** `NODE:PATH`, as reports and journals call it. */
  readonly id: string;
  /** The machine's path of it. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly mtimeMs: number;
}

/** Makes the images of a round; their folders must not be there. */
export async function layScenario(lab: Lab, scenario: Scenario): Promise<readonly SourceImage[]> {
  const wanted = [...scenario.images].flatMap(([node, images]) =>
    images.map((image) => ({ node, image })),
  );
  const made: SourceImage[] = [];
  await forEachLimited(wanted, MADE_AT_ONCE, async ({ node, image }) => {
    const directory = join(lab.host(node).labnode, 'images');
    mkdirSync(directory, { recursive: true });
    const file = join(directory, image.name);
    await makeImage(file, image, `${scenario.text} ${node} ${image.name}`);
    const { name, sizeBytes } = image;
    const id = `${node}:${IMAGES}/${name}`;
    made.push({ node, name, id, file, sizeBytes, ...stampOf(file) });
  });
  return made;
}

/** Content and time of a file: what must not change. */
export function stampOf(file: string): { readonly sha256: string; readonly mtimeMs: number } {
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  return { sha256, mtimeMs: statSync(file).mtimeMs };
}

async function makeImage(file: string, image: SampleImage, own: string): Promise<void> {
  const { kind, sizeBytes } = image;
  switch (kind) {
    case 'noise':
      return incompressibleImage(file, sizeBytes, own);
    case 'twin':
      return incompressibleImage(file, sizeBytes, 'twin');
    case 'sparse': {
      const ownBytes = Math.floor(sizeBytes * OWN_SHARE);
      return diskLikeImage(file, { sizeBytes, ownBytes, seed: own });
    }
    case 'zeros':
      await writeFile(file, '');
      return truncate(file, sizeBytes);
  }
}
