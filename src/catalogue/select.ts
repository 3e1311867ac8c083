import { KgetError } from '../base/error.ts';
import { expandBraces, parseGlob } from '../base/glob.ts';
import type { Catalogue, Snapshot } from './catalogue.ts';

/** Stands for the newest snapshot of each image. */
const LATEST = 'latest';

export interface Selection {
  /**
   * `RUN[/NODE[/NAME]]`, each part a name or a glob. RUN may also be `latest`, or how one run's
   * name begins. None stand for all snapshots.
   */
  readonly selectors: readonly string[];
  /** Only those of these nodes. */
  readonly nodes?: readonly string[] | undefined;
}

/**
 * The snapshots that are selected, in the catalogue's order.
 * @throws KgetError `usage` for a selector that selects nothing, or of which it is not clear what
 */
export function selectSnapshots(catalogue: Catalogue, selection: Selection): readonly Snapshot[] {
  const nodes = selection.nodes === undefined ? undefined : new Set(selection.nodes);
  const all = catalogue.runs
    .flatMap(({ snapshots }) => snapshots)
    .filter(({ node }) => nodes?.has(node) !== false);
  if (selection.selectors.length === 0) return all;
  const chosen = new Set(selection.selectors.flatMap((selector) => selected(all, selector)));
  return all.filter((snapshot) => chosen.has(snapshot));
}

/** The one snapshot that is selected. @throws KgetError `usage` if there are none, or several */
export function selectSnapshot(catalogue: Catalogue, selection: Selection): Snapshot {
  const [snapshot, ...others] = selectSnapshots(catalogue, selection);
  const wanted = selection.selectors.join(' ');
  if (snapshot === undefined) throw new KgetError('usage', `Cannot find snapshot "${wanted}"`);
  if (others.length === 0) return snapshot;
  const ids = [snapshot, ...others].slice(0, 3).map(({ id }) => id);
  throw new KgetError(
    'usage',
    `Cannot tell which snapshot is meant by "${wanted}": found ${others.length + 1}, such as ` +
      `${ids.join(', ')}; wanted one: name it as RUN/NODE/NAME`,
  );
}

function selected(all: readonly Snapshot[], selector: string): readonly Snapshot[] {
  // Names of files may look like globs.
  const exact = all.filter(({ id }) => id === selector);
  if (exact.length > 0) return exact;
  return expandBraces(selector).flatMap((pattern) => matching(all, pattern));
}

function matching(all: readonly Snapshot[], selector: string): readonly Snapshot[] {
  const parts = selector.split('/').filter((part) => part !== '');
  const [run = '*', node = '*', name = '*'] = parts;
  if (parts.length > 3) throw unfound(selector, 'wanted RUN/NODE/NAME');
  const [isNode, isName] = [matcher(node), matcher(name)];
  const ofRun = all.filter((snapshot) => isNode(snapshot.node) && isName(snapshot.name));
  const found = run === LATEST ? newest(ofRun) : ofRuns(ofRun, { run, all, selector });
  if (found.length === 0) throw unfound(selector, 'kgetplus ls shows what there is');
  return found;
}

/** The newest of each image: the catalogue has the oldest first. */
function newest(snapshots: readonly Snapshot[]): readonly Snapshot[] {
  return [
    ...new Map(
      snapshots.map((snapshot) => [`${snapshot.node}/${snapshot.name}`, snapshot]),
    ).values(),
  ];
}

function ofRuns(
  snapshots: readonly Snapshot[],
  { run, all, selector }: { run: string; all: readonly Snapshot[]; selector: string },
): readonly Snapshot[] {
  const runs = [...new Set(all.map((snapshot) => snapshot.run))];
  const matches = matcher(run);
  const named = new Set(runs.filter(matches));
  if (named.size === 0) {
    const begun = runs.filter((id) => id.startsWith(run));
    if (begun.length > 1) throw unfound(selector, `${begun.length} runs begin with "${run}"`);
    for (const id of begun) named.add(id);
  }
  return snapshots.filter((snapshot) => named.has(snapshot.run));
}

function matcher(part: string): (name: string) => boolean {
  const [segment] = parseGlob(part);
  if (segment === undefined) return (name) => name === part;
  if (segment.kind === 'name') return (name) => name === segment.name;
  return segment.kind === 'match' ? segment.matches : () => true;
}

function unfound(selector: string, advice: string): KgetError {
  return new KgetError('usage', `Cannot find snapshot "${selector}": ${advice}`);
}
