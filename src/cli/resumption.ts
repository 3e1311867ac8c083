import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { foldJournal, type JournalRecord, type Resumption } from '../coordinator/journal.ts';
import { foldNodeSet } from '../nodeset/fold.ts';

/**
 * What an unfinished run into `directory` left behind, for one that gathers `patterns` there. An
 * image counts as safe only while its file is there. A run of other paths is not continued.
 * @throws KgetError `usage` if images of a run of other paths are nowhere but in the nodes' spools
 */
export function resumptionFor(
  records: readonly JournalRecord[],
  wanted: { readonly patterns: readonly string[]; readonly directory: string },
): Resumption | undefined {
  const found = foldJournal(records);
  if (found === undefined) return undefined;
  const images = [...found.images].map(
    ([id, image]) =>
      [id, { ...image, safe: image.safe && isThere(wanted.directory, image) }] as const,
  );
  if (found.patterns === undefined || areEqual(found.patterns, wanted.patterns)) {
    return { ...found, images: new Map(images) };
  }
  const homeless = images.filter(([, image]) => !image.safe && found.released.has(image.node));
  if (homeless.length === 0) return undefined;
  const nodes = foldNodeSet([...new Set(homeless.map(([, image]) => image.node))]);
  throw new KgetError(
    'usage',
    `Cannot gather ${wanted.patterns.join(' ')} into ${wanted.directory}: a run of ` +
      `${found.patterns.join(' ')} stopped there, and images of ${nodes} are still on other nodes; ` +
      'finish that run with its own paths, name another directory, or give it up with --fresh',
  );
}

/** What a user should know who did not mean to continue. */
export function resumptionText({ run, released }: Resumption): string {
  const nodes = foldNodeSet([...released]);
  const settled = released.size === 0 ? '' : `; not asked again, as released then: ${nodes}`;
  return `continues run ${run}${settled} (--fresh starts anew)`;
}

function isThere(
  directory: string,
  image: { readonly node: string; readonly path: string; readonly sizeBytes: number },
): boolean {
  const file = join(directory, image.node, basename(image.path));
  return statSync(file, { throwIfNoEntry: false })?.size === image.sizeBytes;
}

function areEqual(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((pattern, place) => pattern === right[place]);
}
