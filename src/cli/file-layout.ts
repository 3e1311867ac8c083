import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Layout } from './layout.ts';

/** `DIR/NODE/FILE`. */
export const fileLayout: Layout = {
  kind: 'files',
  target: ({ directory }) => ({ layout: 'files', directory }),
  isThere: async ({ directory }, { node, path, sizeBytes }) => {
    const file = join(directory, node, basename(path));
    return statSync(file, { throwIfNoEntry: false })?.size === sizeBytes;
  },
  begin: () => Promise.resolve(),
  end: () => Promise.resolve(),
};
