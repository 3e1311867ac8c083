import type { Command } from 'commander';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readCatalogue, type Snapshot } from '../catalogue/catalogue.ts';
import { type DiffSummary, openDiff, type SnapshotDiff } from '../catalogue/diff.ts';
import { selectSnapshot } from '../catalogue/select.ts';
import type { DiffExtent, DiffHead } from '../report/store-diff.ts';
import { extentLine, extentTitles, renderDiffSummary } from '../report/store-diff-text.ts';
import { EXIT } from './exit-code.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

/** Extents that are printed unless all are asked for. */
const MAX_EXTENTS = 20;

/** Characters that are written at a time, or some more. */
const WRITTEN_CHARACTERS = 64 * 1024;

const ABOUT = `
A and B are RUN/NODE/IMAGE. RUN may be the beginning of a run's name, or "latest"; NODE and IMAGE
may be left out or be globs, as long as one snapshot is meant. Only indexes are read: a change shows
as all of the chunks that it touches.

Changes: "changed" is other data, "written" data where zeros were, "zeroed" the reverse, "added"
and "removed" lie beyond the end of the smaller image.

Exit code: 0, or with --exit-code 3 if they differ.

Examples:
  kgetplus diff 20260101T020000Z-1a2b3c/node07 latest/node07
  kgetplus diff --all --json 202601/node07/disk.qcow2 202602/node07/disk.qcow2`;

interface DiffOptions extends StoreOption {
  readonly all: boolean;
  readonly exitCode: boolean;
  readonly json: boolean;
}

/** Declares `diff`. */
export function addDiff(program: Command, system: System): void {
  const command = program
    .command('diff')
    .summary('show where two snapshots differ')
    .description('Shows which ranges of bytes differ between two snapshots.')
    .argument('<a>', 'the snapshot that is compared with')
    .argument('<b>', 'the snapshot that is compared');
  addStoreOption(command)
    .option('--all', `list all extents, not only the first ${MAX_EXTENTS}`, false)
    .option('--exit-code', 'exit with 3 if they differ', false)
    .option('--json', 'print all of it as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (a: string, b: string, options: DiffOptions) => {
      const place = storeAt(options, system);
      const catalogue = readCatalogue(place);
      const before = selectSnapshot(catalogue, { selectors: [a] });
      const after = selectSnapshot(catalogue, { selectors: [b] });
      const diff = await openDiff(before, after);
      try {
        const head = headOf(diff, { before, after, store: place.directory });
        const summary = await show(diff, head, { options, system });
        if (options.exitCode && summary.extents > 0) system.setExitCode(EXIT.someMissing);
      } finally {
        diff.close();
      }
    });
}

function headOf(
  { beforeBytes, afterBytes, precision }: SnapshotDiff,
  { before, after, store }: { before: Snapshot; after: Snapshot; store: string },
): DiffHead {
  return {
    schema: 'kgetplus.diff/1',
    store,
    before: { id: before.id, sizeBytes: beforeBytes },
    after: { id: after.id, sizeBytes: afterBytes },
    precision,
  };
}

/** Goes through the indexes twice if all extents are asked for: nothing holds all of them. */
async function show(
  diff: SnapshotDiff,
  head: DiffHead,
  { options, system }: { readonly options: DiffOptions; readonly system: System },
): Promise<DiffSummary> {
  const { interrupt } = system;
  const { summary, first } = await summarise(diff, interrupt);
  const pieces = options.json
    ? jsonPieces(head, summary, diff.extents(interrupt))
    : textPieces(head, summary, options.all ? diff.extents(interrupt) : first);
  await pipeline(Readable.from(joined(pieces)), system.stdout, { end: false });
  return summary;
}

/** How much differs, and the first extents. */
async function summarise(
  diff: SnapshotDiff,
  signal: AbortSignal,
): Promise<{ readonly summary: DiffSummary; readonly first: readonly DiffExtent[] }> {
  const first: DiffExtent[] = [];
  const extents = diff.extents(signal);
  for (;;) {
    const next = await extents.next();
    if (next.done === true) return { summary: next.value, first };
    if (first.length < MAX_EXTENTS) first.push(next.value);
  }
}

type Extents = AsyncIterable<DiffExtent> | Iterable<DiffExtent>;

async function* textPieces(
  head: DiffHead,
  summary: DiffSummary,
  extents: Extents,
): AsyncGenerator<string, void> {
  yield renderDiffSummary(head, summary);
  if (summary.extents === 0) return;
  yield `\n${extentTitles(head)}\n`;
  let shown = 0;
  for await (const extent of extents) {
    yield `${extentLine(head, extent)}\n`;
    shown += 1;
  }
  if (shown < summary.extents) yield `… and ${summary.extents - shown} more: --all has them\n`;
}

/** One document, with a line for each extent. */
async function* jsonPieces(
  head: DiffHead,
  summary: DiffSummary,
  extents: Extents,
): AsyncGenerator<string, void> {
  const begun = JSON.stringify({ ...head, summary }, undefined, 2);
  yield `${begun.slice(0, -'\n}'.length)},\n  "extents": [`;
  let separator = '\n';
  for await (const extent of extents) {
    yield `${separator}    ${JSON.stringify(extent)}`;
    separator = ',\n';
  }
  yield summary.extents === 0 ? ']\n}\n' : '\n  ]\n}\n';
}

/** Short pieces put together: each costs a write. */
async function* joined(pieces: AsyncIterable<string>): AsyncGenerator<string, void> {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length < WRITTEN_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}
