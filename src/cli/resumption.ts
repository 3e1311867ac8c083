import { KgetError } from '../base/error.ts';
import { VERSION } from '../base/version.ts';
import { endedRun, foldJournal, type Resumption } from '../coordinator/fold-journal.ts';
import type { JournalRecord } from '../coordinator/journal.ts';
import { foldNodeSet } from '../nodeset/fold.ts';
import type { Layout } from './layout.ts';

/** What a command gathers, and where to. */
export interface WantedRun {
  readonly patterns: readonly string[];
  readonly directory: string;
  readonly layout: Layout;
  /** Go on, too, with a run that ended with something missing. */
  readonly incomplete?: boolean | undefined;
}

/**
 * What an unfinished run into a directory left behind, for one that gathers the same there. An image
 * counts as safe only while it is there. A run of other paths, or in another layout, is not
 * continued.
 * @throws KgetError `usage` if images of a run that is not continued are nowhere but in the nodes'
 * spools
 */
export async function resumptionFor(
  records: readonly JournalRecord[],
  wanted: WantedRun,
): Promise<Resumption | undefined> {
  const found = foldJournal(records, { incomplete: wanted.incomplete === true });
  if (found === undefined) return undefined;
  const images = await Promise.all(
    [...found.images].map(async ([id, image]) => {
      const { directory, layout } = wanted;
      const safe = image.safe && (await layout.isThere({ directory, run: found.run }, image));
      return [id, { ...image, safe }] as const;
    }),
  );
  const isSameLayout = found.layout === wanted.layout.kind;
  if (isSameLayout && (!found.patterns || areEqual(found.patterns, wanted.patterns))) {
    return { ...found, images: new Map(images) };
  }
  const homeless = images.filter(
    ([, image]) => !(isSameLayout && image.safe) && found.released.has(image.node),
  );
  if (homeless.length === 0) return undefined;
  const nodes = foldNodeSet([...new Set(homeless.map(([, image]) => image.node))]);
  throw new KgetError(
    'usage',
    `Cannot gather ${wanted.patterns.join(' ')} into ${wanted.directory}: a run of ` +
      `${(found.patterns ?? []).join(' ')} (--layout ${found.layout}) stopped there, and images of ` +
      `${nodes} are still on other nodes; finish that run with its own paths and layout, name ` +
      'another directory, or give it up with --fresh',
  );
}

/** What of a gather goes into its journal. */
interface Asked {
  readonly patterns: readonly string[];
  readonly layout: Layout;
  readonly nodes: readonly string[];
  readonly command: readonly string[];
}

/** How the run was asked for: what `resume` needs, and what tells runs apart. */
export function commandRecord(
  { patterns, layout, nodes, command }: Asked,
  begun: { readonly run: string; readonly startedAt: string },
): JournalRecord {
  return {
    type: 'run',
    ...begun,
    patterns: [...patterns],
    layout: layout.kind,
    nodes: foldNodeSet(nodes),
    command: [...command],
    workingDirectory: process.cwd(),
    version: VERSION,
  };
}

/** What a user should know who did not mean to continue. */
export function resumptionText({ run, released }: Resumption): string {
  const nodes = foldNodeSet(released.keys());
  const settled = released.size === 0 ? '' : `; not asked again, as released then: ${nodes}`;
  return `continues run ${run}${settled} (--fresh starts anew)`;
}

/** Why there is nothing to continue in a directory. */
export function nothingToResume(directory: string, records: readonly JournalRecord[]): KgetError {
  const ended = endedRun(records);
  if (ended === undefined) {
    const found = 'no run has begun there that notes what it does';
    return new KgetError(
      'usage',
      `Nothing to resume in ${directory}: ${found}; name the directory that gather --to named`,
    );
  }
  const { run, startedAt, seconds } = ended;
  const endedMs = Date.parse(startedAt) + (seconds ?? Number.NaN) * 1000;
  const when = Number.isNaN(endedMs) ? '' : ` at ${new Date(endedMs).toISOString()}`;
  return new KgetError(
    'usage',
    `Nothing to resume in ${directory}: run ${run} ended${when}, see kgetplus report ${directory}; ` +
      'gather begins a new one',
  );
}

function areEqual(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((pattern, place) => pattern === right[place]);
}
