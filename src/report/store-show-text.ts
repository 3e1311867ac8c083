import { formatSize } from '../base/units.ts';
import { visible } from './names.ts';
import { formatDate } from './page.ts';
import type { ListedAbsence, ShownChunks, ShownRun, ShownSnapshot } from './store-listing.ts';
import { countWords, sizeWords } from './store-words.ts';

type Fact = readonly [title: string, words: string | null];

/** What a terminal shows of a run and its snapshots: a block of facts for each. */
export function renderShowText(run: ShownRun): string {
  const blocks = [
    block(`Run ${run.run}`, runFacts(run)),
    ...run.snapshots.map((snapshot) => block(`Snapshot ${snapshot.id}`, snapshotFacts(snapshot))),
    ...run.missing.map(absence),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function runFacts({ startedAt, endedAt, state, by, tags, snapshots, ...run }: ShownRun): Fact[] {
  return [
    ['Started', formatDate(startedAt)],
    ['Ended', endedAt === null ? null : formatDate(endedAt)],
    ['State', state === 'incomplete' ? `incomplete: ${run.missing.length} missing` : state],
    ['By', by === null ? null : `${by.user} on ${by.host}, kgetplus ${by.version}`],
    ['Command', by === null ? null : by.command.join(' ')],
    ['Tags', tags.length === 0 ? null : tags.join(', ')],
    ['Images', `${snapshots.length}, ${formatSize(run.sizeBytes)}`],
    ['Unique to it', run.uniqueBytes === null ? null : sizeWords(run.uniqueBytes)],
    ['Store', run.store],
  ];
}

function snapshotFacts(snapshot: ShownSnapshot): Fact[] {
  const { path, problem, indexPath, indexSha256, chunks } = snapshot;
  return [
    ['Problem', problem],
    ['Path', path],
    ['Size', formatExactly(snapshot.sizeBytes)],
    ['Data', formatExactly(snapshot.dataBytes)],
    ['Stored', ofChunks(snapshot.storedBytes, chunks?.distinct ?? null)],
    ['Unique to it', ofChunks(snapshot.uniqueBytes, chunks?.unique ?? null)],
    ['Chunks', chunks === null ? null : chunkWords(chunks)],
    ['Missing', missingWords(snapshot.missingChunks)],
    ['Over the link', ofChunks(snapshot.wireBytes, snapshot.wireChunks)],
    ['Index', indexPath],
    ['SHA-256', indexSha256],
    ['Extract by', chunks === null ? null : snapshot.extractCommand],
  ];
}

function chunkWords({ count, zero, algorithm, isFixed, minBytes, maxBytes }: ShownChunks): string {
  const size = isFixed
    ? `of ${formatSize(maxBytes)}`
    : `of ${formatSize(minBytes)} to ${formatSize(maxBytes)}, cut by content`;
  return `${count} ${size}, ${zero} of them zero, named by ${algorithmWords(algorithm)}`;
}

/** `SHA-256`, `SHA-512/256`. */
function algorithmWords(algorithm: string): string {
  return algorithm.replace(/^sha(\d+)(?:-(\d+))?$/, (_, bits: string, cut?: string) =>
    cut === undefined ? `SHA-${bits}` : `SHA-${bits}/${cut}`,
  );
}

function missingWords(missingChunks: number | null): string | null {
  if (missingChunks === null || missingChunks === 0) return null;
  return `${countWords(missingChunks, 'chunk')}: it cannot be restored as it is`;
}

function ofChunks(bytes: number | null, chunks: number | null): string | null {
  if (bytes === null) return null;
  const count = chunks === null ? '' : ` in ${countWords(chunks, 'chunk')}`;
  return `${formatSize(bytes)}${count}`;
}

function formatExactly(bytes: number | null): string | null {
  return bytes === null ? null : `${formatSize(bytes)} (${bytes} B)`;
}

function absence({ node, path, reason }: ListedAbsence): string[] {
  return block(`Missing from ${node}`, [
    ['Path', path],
    ['Reason', reason],
  ]);
}

/** Lines are not broken: paths and commands are there to be copied. */
function block(title: string, facts: readonly Fact[]): string[] {
  const told = facts.flatMap(([name, words]) => (words === null ? [] : [{ name, words }]));
  const width = told.reduce((most, { name }) => Math.max(most, name.length), 0);
  return [
    visible(title),
    ...told.map(({ name, words }) => `  ${name.padEnd(width)}  ${visible(words)}`),
  ];
}
