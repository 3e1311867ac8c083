import type { Command } from 'commander';
import { formatSize } from '../base/units.ts';
import { findImage } from '../machine-image/find-image.ts';
import { areGood, type ImagesReport, verifyImages } from '../machine-image/verify-images.ts';
import { visible } from '../report/names.ts';
import { byteProgress } from './byte-progress.ts';
import { readChunksOf } from './chunk-reading.ts';
import { EXIT } from './exit-code.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

/** Chunks that each processor has to do at the same time, as for `verify`. */
const CHUNKS_A_PROCESSOR = 2;
const MAX_AT_ONCE = 32;

const ABOUT = `
Every chunk is read and hashed. A damaged one is renamed to *.cacnk.bad; the next build or import of
the same image puts a good one in its place, as verify --repair-from does. Ends with 0 if all is
good, with 5 if not.

Examples:
  kgetplus image verify tiny
  kgetplus image verify --store /srv/snapshots --json`;

/** Declares `image verify`. */
export function addImageVerify(images: Command, system: System): void {
  const command = images
    .command('verify')
    .summary('check images')
    .description('Reads all that images of a store are made of, and compares it with its digests.')
    .argument('[image]', 'NAME[:TAG], or the beginning of an id; all images unless given');
  addStoreOption(command)
    .option('--json', 'print the findings as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (text: string | undefined, options: StoreOption & { readonly json: boolean }) => {
      const report = await runVerify(text, options, system);
      const json = { schema: 'kgetplus.image-verify/1', ...report };
      if (options.json) system.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
      else system.stdout.write(renderVerify(report));
      if (report.content?.isInterrupted === true) system.setExitCode(EXIT.interrupted);
      else if (!areGood(report)) system.setExitCode(EXIT.verificationFailed);
    });
}

async function runVerify(
  text: string | undefined,
  options: StoreOption,
  system: System,
): Promise<ImagesReport> {
  const place = storeAt(options, system);
  const images = text === undefined ? undefined : [findImage(place, text)];
  const progress = byteProgress(system.stderr, system.clock);
  let isBegun = false;
  await using chunks = readChunksOf(place, system);
  try {
    return await verifyImages(
      {
        place,
        chunks,
        atOnce: Math.min(CHUNKS_A_PROCESSOR * system.processors + 1, MAX_AT_ONCE),
        clock: system.clock,
        signal: system.interrupt,
        onProgress({ doneBytes, wantedBytes }) {
          if (!isBegun) progress.begin('images', wantedBytes);
          isBegun = true;
          progress.done(doneBytes);
        },
      },
      images,
    );
  } finally {
    progress.end();
  }
}

/** What was found, for people. */
function renderVerify(report: ImagesReport): string {
  const { content, images } = report;
  const faults = [...report.faults, ...(content?.faults ?? [])];
  const lines = [
    ...(content?.warnings ?? []).map((warning) => `note: ${warning}`),
    ...faults.map(({ subject, message }) => `${subject}: ${message}`),
    ...(content?.bad ?? []).flatMap(({ message, snapshots, snapshotCount }) => {
      const more = snapshotCount - snapshots.length;
      return [message, `  hurts ${snapshots.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
    }),
  ];
  const count = `${images.length} ${images.length === 1 ? 'image' : 'images'}`;
  if (content !== null) {
    const { readChunks, chunks, readBytes, isInterrupted } = content;
    lines.push(`Read ${readChunks} of ${chunks} chunks, ${formatSize(readBytes)}, for ${count}.`);
    if (isInterrupted) lines.push('Stopped before the end.');
  }
  const bad = (content?.bad.length ?? 0) + (content?.unlistedBad ?? 0);
  const verdict = `Bad chunks: ${bad}; other faults: ${faults.length}.`;
  lines.push(areGood(report) ? `All is good: ${count}.` : verdict);
  return lines.map((line) => `${visible(line)}\n`).join('');
}
