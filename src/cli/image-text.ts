import { formatSize } from '../base/units.ts';
import type { MachineImage } from '../machine-image/image-manifest.ts';
import type { StoredImage } from '../machine-image/images.ts';
import { visible } from '../report/names.ts';
import { type Column, tableLines } from '../report/table.ts';

/** Of an id, for people: of 2^24 images two would begin alike with a chance of one half. */
const SHOWN_DIGITS = 12;

const COLUMNS: readonly Column[] = [
  { title: 'Id', align: 'left' },
  { title: 'Arch', align: 'left' },
  { title: 'Boots from', align: 'left' },
  { title: 'Disk', align: 'right' },
  { title: 'Files', align: 'right' },
  { title: 'Built (UTC)', align: 'left' },
  { title: 'Image', align: 'left' },
];

/** An image as `--json` has it. */
export type ListedImage = MachineImage & {
  readonly tags: readonly string[];
  readonly run: string;
};

export function listedImage({ image, tags, run }: StoredImage): ListedImage {
  return { ...image, tags, run };
}

/** A line for each image. */
export function renderImages(images: readonly StoredImage[], store: string): string {
  if (images.length === 0) return `No image in ${visible(store)}: image build makes one.\n`;
  const rows = images.map(({ image, tags }) => [
    shortId(image),
    image.arch,
    image.boot.kind,
    formatSize(image.virtualSizeBytes),
    formatSize(sizeOf(image)),
    dateOf(image.builtAt),
    tags.length > 0 ? tags.join(' ') : `(${image.name}, no tag)`,
  ]);
  return tableLines(COLUMNS, rows)
    .map((line) => `${line}\n`)
    .join('');
}

/** All that there is to know of an image. */
export function renderImage({ image, tags, run }: StoredImage): string {
  const { boot } = image;
  const facts: readonly (readonly [string, string])[] = [
    ['Image', `${image.name} ${image.id}`],
    ['Tags', tags.join(' ') || '-'],
    ['Run', run],
    ['Arch', image.arch],
    ['Disk', `${formatSize(image.virtualSizeBytes)}, ${image.format}`],
    ['Boots from', boot.kind === 'kernel' ? `kernel, with: ${boot.commandLine}` : 'disk'],
    ['Job runner', image.hasJobRunner ? 'yes' : 'no: jobs cannot run in it'],
    ['Built', `${dateOf(image.builtAt)} UTC${image.recipe === null ? ', imported' : ''}`],
  ];
  const parts = image.parts.map(({ name, sizeBytes, digest }): readonly [string, string] => [
    name,
    `${formatSize(sizeBytes)}, ${digest}`,
  ]);
  const all = [...facts, ...parts];
  const width = Math.max(...all.map(([title]) => title.length)) + 2;
  const lines = all.map(([title, text]) => visible(`${title.padEnd(width)}${text}`));
  const recipe =
    image.recipe === null
      ? []
      : [
          '',
          'Recipe:',
          ...image.recipe
            .trimEnd()
            .split('\n')
            .map((line) => `  ${visible(line)}`),
        ];
  return `${[...lines, ...recipe].join('\n')}\n`;
}

export function shortId({ id }: Pick<MachineImage, 'id'>): string {
  return id.slice(0, SHOWN_DIGITS);
}

function sizeOf({ parts }: MachineImage): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** `2026-01-31 12:00`. */
function dateOf(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}
