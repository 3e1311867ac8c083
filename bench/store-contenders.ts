import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReport } from '../src/report/json.ts';
import type { Command } from './store-process.ts';

/** Where a contender works in one round. */
export interface Place {
  /** Its own: what it stores, and nothing else. */
  readonly store: string;
  /** Its own, for what does not count as stored. */
  readonly scratch: string;
  /** The images: `DIRECTORY/NODE/disk.img`. */
  readonly images: string;
  readonly nodes: readonly string[];
}

/** A program that stores the images of all nodes, and can give one back. */
export interface Contender {
  readonly name: ContenderName;
  /** What must be on the path. */
  readonly program: string;
  /** What comes before the first gather, and is not measured. */
  prepare(place: Place): readonly Command[];
  /** Stores the images as they are now. */
  gather(place: Place): readonly Command[];
  /** What the last gather sent over the network; undefined where there is none. */
  wireBytes(place: Place): number | undefined;
  /** Brings an image back, as it was gathered last, to the file that `restored` names. */
  restore(place: Place, node: string, target: string): Command;
  /** Where `restore` puts it. */
  restored(place: Place, node: string, target: string): string;
}

export type ContenderName = 'kgetplus' | 'restic' | 'casync';

const COMMAND = join(import.meta.dirname, '../bin/kgetplus.cjs');

/** How the product is called, before the name of a subcommand. */
export const KGETPLUS: readonly string[] = [process.execPath, COMMAND];

/** How the product names an image that it stored last. */
export function latestOf(node: string): string {
  return `latest/${node}/disk.img`;
}

const kgetplus = (gatherWords: readonly string[]): Contender => ({
  name: 'kgetplus',
  program: 'node',
  prepare: () => [],
  gather: ({ store, scratch, images, nodes }) => {
    const from = ['-w', nodes.join(','), join(images, '{node}', 'disk.img')];
    const to = ['--to', store, '--layout', 'store'];
    const local = ['--launcher', 'local', '--max-hops', '0', '--spool', join(scratch, 'spool')];
    return [{ argv: [...KGETPLUS, 'gather', ...from, ...to, ...local, ...gatherWords] }];
  },
  wireBytes: ({ store }) => {
    const file = join(store, '.kgetplus/report.json');
    return parseReport({ text: readFileSync(file, 'utf8'), file }).summary.frontendWireBytes;
  },
  restore: ({ store }, node, target) => ({
    argv: [...KGETPLUS, 'restore', '--store', store, latestOf(node), '--to', target],
  }),
  restored: (_place, _node, target) => target,
});

// Without its cache, which serves repositories that are far away and would be work besides.
const RESTIC = ['restic', '--no-cache', '--quiet'];
const RESTIC_ENVIRONMENT = { RESTIC_PASSWORD: 'benchmark' };

const restic: Contender = {
  name: 'restic',
  program: 'restic',
  prepare: ({ store }) => [
    { argv: [...RESTIC, '--repo', store, 'init'], environment: RESTIC_ENVIRONMENT },
  ],
  gather: ({ store, images }) => [
    { argv: [...RESTIC, '--repo', store, 'backup', images], environment: RESTIC_ENVIRONMENT },
  ],
  wireBytes: () => undefined,
  restore: ({ store, images }, node, target) => ({
    argv: [...RESTIC, '--repo', store, 'restore', 'latest', '--target', target].concat(
      '--include',
      join(images, node, 'disk.img'),
    ),
    environment: RESTIC_ENVIRONMENT,
  }),
  restored: ({ images }, node, target) => join(target, images, node, 'disk.img'),
};

const chunksIn = (store: string): string => `--store=${join(store, 'store.castr')}`;

const casync: Contender = {
  name: 'casync',
  program: 'casync',
  prepare: ({ store }) => [{ argv: ['mkdir', join(store, 'store.castr')] }],
  gather: ({ store, images, nodes }) =>
    nodes.map((node) => {
      const files = [join(store, `${node}.caibx`), join(images, node, 'disk.img')];
      return { argv: ['casync', 'make', chunksIn(store)].concat(files) };
    }),
  wireBytes: () => undefined,
  restore: ({ store }, node, target) => ({
    argv: ['casync', 'extract', chunksIn(store), join(store, `${node}.caibx`), target],
  }),
  restored: (_place, _node, target) => target,
};

/** All of them; `gatherWords` are more options of our `gather`. */
export function contenders(gatherWords: readonly string[]): readonly Contender[] {
  return [kgetplus(gatherWords), restic, casync];
}
