import assert from 'node:assert/strict';
import { expandBraces, parseGlob } from '../src/base/glob.ts';
import type { Dice } from './dice.ts';
import { mutateText } from './mutate-text.ts';
import type { Catalogue, Snapshot } from '../src/catalogue/catalogue.ts';
import { selectSnapshots } from '../src/catalogue/select.ts';
import type { Trial } from './target.ts';

/** Names of files have at most 255 bytes. */
const LONG_NAME = `${'ab'.repeat(120)}.img`;

const NAMES = [
  'disk.img',
  '.hidden',
  'node1',
  'a',
  '',
  LONG_NAME,
  'a'.repeat(255),
  '\u00e9\u{1f4be}',
];

/** Alternatives and segments of a pattern that are tried: all of them would take too long. */
const MAX_TRIED = 3;

export function globSamples(): Buffer[] {
  return [
    '/var/lib/libvirt/images/*.qcow2',
    '/vm/**/{disk,root}*.[iq]*',
    '~/images/[!a-c]?[]x]',
    String.raw`/vm/\*\[x\]{a,b{c,d}}`,
    '*a*b*a*b*a*b*c',
    '{a,b}{1,2}{x,y}{m,n}',
    '.*/[.]*/?*',
    '[[:alpha:]]*[a-]',
  ].map((text) => Buffer.from(text));
}

/** Patterns of few signs, in all orders, with many stars and braces; or of changed samples. */
export function mutateGlob(samples: readonly Buffer[], dice: Dice): Buffer {
  if (dice.oneIn(2)) return mutateText(samples, dice);
  const signs = dice.pick(['*a', '*?ab', 'ab*?[]!^-\\{}/.,', '{},a', '[]-!a*']);
  // Braces stand for ever more patterns.
  const length = dice.below(signs.startsWith('{') ? 24 : dice.pick([4, 16, 64, 200]));
  return Buffer.from(Array.from({ length }, () => signs.charAt(dice.below(signs.length))).join(''));
}

/** A pattern matches what an expression made of it plainly does; or it is looked at quickly. */
export function tryGlob(input: Buffer, { dice }: Trial): void {
  const alternatives = expandBraces(input.toString('utf8'));
  for (const alternative of alternatives.slice(0, MAX_TRIED)) {
    for (const segment of parseGlob(alternative).slice(0, MAX_TRIED)) {
      if (segment.kind === 'match') segment.matches(dice.pick(NAMES));
      if (segment.kind === 'name') assert.ok(!segment.name.includes('/'));
    }
  }
  tryStars(dice);
}

/** Stars, question marks and letters: in short patterns a regular expression does the same. */
function tryStars(dice: Dice): void {
  const text = (signs: string, most: number): string =>
    Array.from({ length: dice.below(most) }, () => signs.charAt(dice.below(signs.length))).join('');
  const pattern = `*${text('*?ab', 6)}`;
  const name = text('ab', 10);
  const [segment] = parseGlob(pattern);
  const wanted = new RegExp(`^${pattern.replaceAll('?', '.').replaceAll(/\*+/g, '.*')}$`);
  if (segment?.kind === 'match') assert.equal(segment.matches(name), wanted.test(name));
}

/** Runs of two nodes with two images each. */
function catalogueOf(): Catalogue {
  const ids = ['20261122T093000Z-4f2a11', '20261123T093000Z-0b1c2d', 'nightly'];
  const runs = ids.map((run) => {
    const startedAt = '2026-11-22T09:30:00.000Z';
    const snapshots = ['node1', 'node2'].flatMap((node) =>
      ['disk.img', '[a]*.img'].map((name): Snapshot => {
        const id = `${run}/${node}/${name}`;
        return {
          id,
          run,
          node,
          name,
          takenAt: startedAt,
          indexPath: id,
          tags: [],
          image: undefined,
        };
      }),
    );
    return { id: run, directory: run, startedAt, manifest: undefined, snapshots };
  });
  return { runs, warnings: [] };
}

const CATALOGUE = catalogueOf();

export function selectorSamples(): Buffer[] {
  return [
    'latest',
    'latest/node1/disk.img',
    '2026*/node[12]/*',
    '20261122',
    'nightly/node1/[a]*.img',
    '{latest,nightly}/node{1,2}',
    '*/*/*',
  ].map((text) => Buffer.from(text));
}

/** A selector selects something, of what there is, in order and once. */
export function trySelector(input: Buffer): void {
  const selectors = input.toString('utf8').split('\n');
  const chosen = selectSnapshots(CATALOGUE, { selectors });
  assert.ok(chosen.length > 0);
  const all = CATALOGUE.runs.flatMap(({ snapshots }) => snapshots);
  assert.deepEqual(
    chosen,
    all.filter((snapshot) => chosen.includes(snapshot)),
  );
}
