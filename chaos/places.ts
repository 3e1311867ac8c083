import { createHash } from 'node:crypto';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { outputOf } from '../lab/gather.ts';
import type { Lab } from '../lab/lab.ts';
import { spoolOf } from './field.ts';
import type { SourceImage } from './images.ts';

/** Where complete copies of an image are, as their files tell: docs/formats.md. */
export interface Places {
  readonly onFrontend: boolean;
  /** Nodes that have it in their spools. */
  readonly spools: readonly string[];
}

/** Looks for the complete copies of an image. */
export function placesOf(lab: Lab, image: SourceImage): Places {
  const { node, name, id, sizeBytes } = image;
  const file = join(outputOf(lab), node, name);
  const onFrontend =
    statSync(file, { throwIfNoEntry: false })?.size === sizeBytes ||
    globSync(join(outputOf(lab), 'snapshots/*', node, `${name}.caibx`)).length > 0;
  const key = createHash('sha256').update(id).digest('hex').slice(0, 32);
  const spools = lab.nodes
    .filter((holder) =>
      globSync(join(spoolOf(holder), '*', holder.name, `${key}.image.json`)).some((found) =>
        existsSync(found.replace(/\.json$/, '')),
      ),
    )
    .map((holder) => holder.name);
  return { onFrontend, spools };
}
